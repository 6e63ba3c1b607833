import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'

const MODULE = new URL('buffer-memory.ts', import.meta.url).href
/** Allocates 2.6 GB of buffers, of which 4 MB live, and prints how often the whole heap was collected for it. */
const PROGRAM = `
import { PerformanceObserver, constants } from 'node:perf_hooks'
import { collectBuffersLikeObjects } from ${JSON.stringify(MODULE)}
if (process.argv[1] === 'relaxed') collectBuffersLikeObjects()
let major = 0
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (entry.detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) major++
}).observe({ entryTypes: ['gc'] })
const live = []
for (let index = 0; index < 40_000; index++) live[index % 64] = Buffer.alloc(65_536)
setTimeout(() => process.stdout.write(major + ' ' + process.memoryUsage.rss()), 100)
`

const run = (mode: string): readonly number[] =>
  execFileSync(process.execPath, ['--input-type=module', '-e', PROGRAM, mode], { encoding: 'utf8' })
    .split(' ')
    .map(Number)

it('spares a process that allocates many buffers most collections, for a bounded price in memory', () => {
  const [usual = 0] = run('usual')
  const [relaxed = Number.NaN, rssBytes = Number.NaN] = run('relaxed')
  expect(usual).toBeGreaterThan(10)
  expect(relaxed).toBeLessThan(usual / 4)
  expect(rssBytes).toBeLessThan(400 * 1024 * 1024)
})
