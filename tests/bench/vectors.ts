/**
 * npm run --silent vectors -- FILE
 *
 * Replays every vector of a file through the production state machine in both roles. Prints `N passed, N failed`;
 * exits 1 on any difference and 2 when there is no file of vectors to read.
 */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { messageOf } from '../../node-core/platform/error.ts'
import { replayVector, vectorFileSchema } from './vector-replay.ts'

const EXIT_DIFFERENT = 1
const EXIT_USAGE = 2

function readVectors(path: string | undefined): z.infer<typeof vectorFileSchema> | string {
  if (path === undefined) return 'which file? npm run --silent vectors -- FILE'
  let json: unknown
  try {
    json = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    return `cannot read ${path}: ${messageOf(error)}`
  }
  const parsed = vectorFileSchema.safeParse(json)
  return parsed.success ? parsed.data : `${path} is not a file of vectors:\n${z.prettifyError(parsed.error)}`
}

function main(path: string | undefined): number {
  const file = readVectors(path)
  if (typeof file === 'string') {
    process.stderr.write(`${file}\n`)
    return EXIT_USAGE
  }
  let failed = 0
  for (const [position, vector] of file.vectors.entries()) {
    const differences = replayVector(file.protocol, vector)
    if (differences.length > 0) failed += 1
    for (const { role, what, expected, actual } of differences) {
      const name = `vector ${vector.vector_index ?? position + 1}, ${role}, ${what}`
      process.stderr.write(`${name}\n  expected ${expected}\n  actual   ${actual}\n`)
    }
  }
  process.stdout.write(`${file.vectors.length - failed} passed, ${failed} failed\n`)
  return failed > 0 ? EXIT_DIFFERENT : 0
}

process.exitCode = main(process.argv[2])
