import { connect } from 'node:net'
import { join } from 'node:path'
import { z } from 'zod'
import { type LabRequest, MAX_LAB_LINE_BYTES } from '../../contract/lab.ts'
import { FaultError, messageOf } from '../../platform/error.ts'
import { ensureSocketDirectory, type HomePaths, homePaths, labsDirectory } from '../../platform/home.ts'
import type { CliContext } from '../context.ts'
import { cliFault, errnoOf } from '../fault.ts'

/** Where the lab of this name lives. */
export function labPaths(context: Pick<CliContext, 'env'>, name: string): HomePaths {
  return homePaths(join(labsDirectory(context.env), name))
}

const answerSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), document: z.unknown() }),
  z.object({
    ok: z.literal(false),
    error: z.object({ code: z.string(), message: z.string(), hint: z.string() }),
  }),
])

/** A node that is started or ended takes its time. */
const ASK_MS = 90_000

/**
 * One request to the process that owns a lab.
 *
 * @throws FaultError LAB_NOT_RUNNING, LAB_ANSWER, TIMEOUT, INTERRUPTED, or what the lab says
 */
export async function askLab<S extends z.ZodType>(
  context: CliContext,
  name: string,
  request: LabRequest,
  document: S,
): Promise<z.infer<S>> {
  const line = await exchange(context, labPaths(context, name), name, `${JSON.stringify(request)}\n`)
  const answer = parseAnswer(line)
  if (!answer.ok) {
    const { code, message, hint } = answer.error
    throw new FaultError({ code }, message, { hint })
  }
  const parsed = document.safeParse(answer.document)
  if (parsed.success) return parsed.data
  throw cliFault({ code: 'LAB_ANSWER' }, 'the lab answers in a way that this x0t does not know', {
    cause: parsed.error,
    hint: 'They are of different versions: end the lab with the x0t that made it.',
  })
}

function parseAnswer(line: string): z.infer<typeof answerSchema> {
  try {
    return answerSchema.parse(JSON.parse(line))
  } catch (error) {
    throw cliFault({ code: 'LAB_ANSWER' }, `the lab gave no whole answer: ${messageOf(error)}`, {
      cause: error,
      hint: 'See x0t lab status.',
    })
  }
}

function exchange(context: CliContext, paths: HomePaths, name: string, request: string): Promise<string> {
  const timeoutMs = context.timeoutMs ?? ASK_MS
  const { signal } = context.interrupts
  return new Promise((resolve, reject) => {
    if (!paths.socket.startsWith(paths.root)) ensureSocketDirectory(paths)
    const socket = connect(paths.socket)
    const chunks: Buffer[] = []
    let size = 0
    const finish = (settle: () => void): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      settle()
    }
    const fail = (error: unknown): void => finish(() => reject(error))
    const onAbort = (): void => fail(signal.reason)
    const timer = setTimeout(
      () => fail(cliFault({ code: 'TIMEOUT' }, `the lab did not answer within ${timeoutMs} ms`)),
      timeoutMs,
    )
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    socket.on('connect', () => socket.write(request))
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > MAX_LAB_LINE_BYTES) {
        fail(cliFault({ code: 'LAB_ANSWER' }, `the lab's answer is larger than ${MAX_LAB_LINE_BYTES} bytes`))
      }
    })
    socket.on('end', () => finish(() => resolve(Buffer.concat(chunks).toString('utf8'))))
    socket.on('error', (error) => fail(labSocketFault(error, name)))
  })
}

function labSocketFault(error: unknown, name: string): unknown {
  if (!['ENOENT', 'ENOTDIR', 'ECONNREFUSED'].includes(errnoOf(error) ?? '')) return error
  return cliFault({ code: 'LAB_NOT_RUNNING' }, `no lab called '${name}' runs`, {
    cause: error,
    hint: 'Start it with x0t lab up --topology ring:6, or name another one with --name.',
  })
}
