/**
 * `npm run bench:console-flood -- --minutes 10`: a page that is told 200 things a second for so long. Heap (after a
 * collection) and time from frame to frame, every ten seconds; exits 1 when either grew from the first quarter of the
 * run to the last.
 */
import { parseArgs } from 'node:util'
import { startBrowser } from '../helpers/console-page.ts'
import { startConsoleWorld } from './console-world.ts'

const EVENTS_PER_SECOND = 200
const WINDOW_MS = 10_000
/** Code is compiled and caches fill at first. */
const WARM_UP_MS = 15_000
/** A heap after a collection still moves by so much. */
const HEAP_SLACK = 1.1
const FRAME_SLACK = 1.25
const FRAMES = `new Promise((resolve) => {
  let frames = 0
  const began = performance.now()
  const next = () => {
    frames += 1
    const passed = performance.now() - began
    if (passed < ${WINDOW_MS}) requestAnimationFrame(next)
    else resolve(passed / frames)
  }
  requestAnimationFrame(next)
})`

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } })
const windows = Math.round((Number(values.minutes) * 60_000) / WINDOW_MS)
if (!Number.isFinite(windows) || windows < 4) throw new Error('--minutes must be a number of at least 0.7')

const median = (of: readonly number[]): number =>
  [...of].sort((a, b) => a - b)[Math.floor(of.length / 2)] ?? NaN

const world = await startConsoleWorld(EVENTS_PER_SECOND)
const browser = await startBrowser()
const page = await browser.newPage({ viewport: { width: 1_280, height: 900 } })
await page.goto(world.link())
await page.locator('.card-count').first().waitFor()
const session = await page.context().newCDPSession(page)
await page.waitForTimeout(WARM_UP_MS)

const heaps: number[] = []
const frames: number[] = []
const before = world.sent()
const began = performance.now()
for (let index = 0; index < windows; index += 1) {
  frames.push(await page.evaluate<number>(FRAMES))
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  heaps.push(usedSize / 1_048_576)
  process.stderr.write(
    `${index + 1}/${windows}: ${heaps.at(-1)?.toFixed(1)} MB, ${frames.at(-1)?.toFixed(1)} ms\n`,
  )
}
const rate = ((world.sent() - before) / (performance.now() - began)) * 1_000
await browser.close()
await world.close()

const quarter = Math.max(1, Math.floor(windows / 4))
const ends = (of: readonly number[]) => [median(of.slice(0, quarter)), median(of.slice(-quarter))] as const
const [heapFirst, heapLast] = ends(heaps)
const [frameFirst, frameLast] = ends(frames)
process.stdout.write(
  `heap        ${heapFirst.toFixed(1)} MB at first, ${heapLast.toFixed(1)} MB at the end
frame       ${frameFirst.toFixed(1)} ms at first, ${frameLast.toFixed(1)} ms at the end
events      ${rate.toFixed(0)} a second for ${values.minutes} min
`,
)
const isFlat = heapLast <= heapFirst * HEAP_SLACK && frameLast <= frameFirst * FRAME_SLACK
process.exitCode = isFlat && rate > EVENTS_PER_SECOND * 0.9 ? 0 : 1
