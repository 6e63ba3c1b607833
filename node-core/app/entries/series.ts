import { parentPort } from 'node:worker_threads'
import { serveSeries } from '../../knowledge/series/serve-series.ts'

/** The thread of the series, which a busy node starts: see docs/adr/0019-series.md. */
if (parentPort !== null) serveSeries(parentPort)
