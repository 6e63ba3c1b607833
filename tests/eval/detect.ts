/**
 * `npm run eval:detect`: faults on a ring of six real nodes; `-- --series` instead: the detectors on labelled series that
 * are made from seeds, beside simple ones. `--quiet S` sets how long the quiet mesh is watched in each round (default
 * 60 s; an hour is `--n 1 --only quiet --quiet 3600`).
 */
const argv = process.argv.slice(2)
const at = argv.indexOf('--quiet')
const quietMs = 1_000 * Number(at < 0 ? 60 : argv[at + 1])
if (!(quietMs > 0)) throw new RangeError('--quiet takes a number of seconds')
const rest = argv.filter(
  (argument, index) => argument !== '--series' && (at < 0 || (index !== at && index !== at + 1)),
)
if (argv.includes('--series')) await (await import('./series.ts')).evaluateSeries(rest)
else await (await import('./faults.ts')).evaluateFaults(rest, quietMs)

export {}
