/**
 * `npm run eval:detect -- --series`: the detectors on labelled series made from seeds, beside simple ones.
 */
import { evaluateSeries } from './series.ts'

const argv = process.argv.slice(2)
await evaluateSeries(argv.filter((argument) => argument !== '--series'))
