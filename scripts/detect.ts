/**
 * `npm run --silent detect -- FILE.csv`: the detectors that a node runs, over any series of `timestamp,value` rows (`-`
 * reads stdin). Prints `timestamp,value,anomaly_score` for every row; from 0.5 on, somebody should know.
 */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { ALARM_SCORE, createCsvScorer } from '../node-core/mapek/detect/series-csv.ts'

const USAGE = `usage: npm run --silent detect -- FILE.csv
Scores each row of a timestamp,value series from 0 to 1; ${ALARM_SCORE} and more is an alarm. FILE - reads stdin.
Example: npm run --silent detect -- cpu.csv > scored.csv
`

async function main(file: string): Promise<void> {
  const input = file === '-' ? process.stdin : createReadStream(file)
  const failed = new Promise<never>((_resolve, reject) => input.once('error', reject))
  const scorer = createCsvScorer()
  const work = async (): Promise<void> => {
    process.stdout.write('timestamp,value,anomaly_score\n')
    for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      const line = scorer.line(text)
      if (line !== undefined && !process.stdout.write(`${line}\n`)) {
        await new Promise((resolve) => process.stdout.once('drain', resolve))
      }
    }
  }
  await Promise.race([work(), failed])
}

// `detect FILE | head` is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
const [file, ...rest] = process.argv.slice(2)
if (file === undefined || rest.length > 0 || file === '--help') {
  process.stderr.write(USAGE)
  process.exitCode = file === '--help' ? 0 : 2
} else {
  await main(file).catch((error: unknown) => {
    process.stderr.write(
      `${file} could not be read: ${error instanceof Error ? error.message : String(error)}\n`,
    )
    process.exitCode = 1
  })
}
