/**
 * `npm run bench:topology`: mean time from frame to frame of the console's map while it settles and is moved, in a real
 * Chromium that draws in software. A screen of 60 Hz gives 16.7 ms at best. `--n` is the number of runs of 120 frames.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build, preview } from 'vite'
import { startBrowser } from '../helpers/console-page.ts'
import { type BenchCase, runBench } from './harness.ts'

const FRAMES = 120
const ROOT = resolve(import.meta.dirname, '../../renderer')
const PAGE = 'testing/map-bench.html'
const CASES = [
  { nodes: 50, clustered: true },
  { nodes: 1_000, clustered: true },
  { nodes: 10_000, clustered: true },
  // As if there were no clusters: what the drawing itself can do.
  { nodes: 10_000, clustered: false },
] as const

interface Frames {
  readonly gaps: readonly number[]
  readonly draws: readonly number[]
  readonly drawn: number
}

const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length

await runBench({ name: 'topology', defaultN: 5, warmup: 1 }, async () => {
  const outDir = await mkdtemp(join(tmpdir(), 'x0t-map-bench-'))
  const input = resolve(ROOT, PAGE)
  await build({
    ...{ configFile: false, root: ROOT, base: './', logLevel: 'error' },
    build: { outDir, emptyOutDir: true, target: 'chrome130', rolldownOptions: { input } },
  })
  const server = await preview({
    ...{ configFile: false, root: ROOT, logLevel: 'error' },
    ...{ build: { outDir }, preview: { host: '127.0.0.1', port: 0 } },
  })
  const browser = await startBrowser()
  const page = await browser.newPage({ viewport: { width: 1_280, height: 900 } })
  const [origin] = server.resolvedUrls?.local ?? []
  if (origin === undefined) throw new Error('the page of the bench is not served')
  await page.goto(`${origin}${PAGE}`)
  const cases = CASES.map(({ nodes, clustered }): BenchCase => {
    const name = `${nodes} nodes${clustered ? '' : ', not clustered'}`
    return {
      metric: `frame, ${name}`,
      unit: 'ms',
      further: [{ metric: `drawing, ${name}`, unit: 'ms' }],
      async sample() {
        const { gaps, draws } = await page.evaluate<Frames>(`measure(${nodes}, ${clustered}, ${FRAMES})`)
        return [mean(gaps), mean(draws)]
      },
    }
  })
  return {
    cases,
    async close() {
      await browser.close()
      await server.close()
      await rm(outDir, { recursive: true, force: true })
    },
  }
})
