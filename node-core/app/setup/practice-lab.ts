import { execFile } from 'node:child_process'
import type { z } from 'zod'
import { consoleLinkSchema } from '../../contract/console-schemas.ts'
import { errorDocumentSchema } from '../../contract/errors.ts'
import { labStatusSchema } from '../../contract/lab.ts'
import type { NodeApi } from '../../control/node-api.ts'
import { FaultError } from '../../platform/error.ts'

export type LabFault = { code: 'LAB_FAILED' }

/** The practice lab, which is no part of a node: it is started and asked as a person would, by the command line. */
export interface PracticeLab {
  open(signal: AbortSignal): ReturnType<NodeApi['setup']['openLab']>
}

const TOPOLOGY = 'ring:6'
const MAX_OUTPUT_BYTES = 8 * 1024 * 1024

/** @param cli path of the program of the command line. */
export function createPracticeLab(cli: string): PracticeLab {
  /** The document of one command, or undefined when it failed with that code. */
  function run<S extends z.ZodType>(
    args: readonly string[],
    schema: S,
    expectedFault: string | undefined,
    signal: AbortSignal,
  ): Promise<z.infer<S> | undefined> {
    const environment = { ...process.env }
    // The home of this node is not where the lab is.
    delete environment['X0T_HOME']
    const options = { signal, maxBuffer: MAX_OUTPUT_BYTES, windowsHide: true, env: environment }
    return new Promise((resolve, reject) => {
      execFile(process.execPath, [cli, ...args, '--json'], options, (error, stdout) => {
        const document = parsed(stdout)
        const answer = schema.safeParse(document)
        if (answer.success) {
          resolve(answer.data)
          return
        }
        const failure = errorDocumentSchema.safeParse(document).data?.error
        if (failure !== undefined && failure.code === expectedFault) resolve(undefined)
        else reject(labFailed(failure?.message ?? 'it gave no answer', failure?.hint ?? '', error))
      })
    })
  }

  return {
    async open(signal) {
      const running = await run(['lab', 'status'], labStatusSchema, 'LAB_NOT_RUNNING', signal)
      const lab =
        running ?? (await run(['lab', 'up', '--topology', TOPOLOGY], labStatusSchema, undefined, signal))
      const first = lab?.nodes.find(({ state }) => state === 'up')
      if (lab === undefined || first === undefined) throw labFailed('none of its nodes is up', '', undefined)
      const link = await run(
        ['--home', first.home, 'console', '--print'],
        consoleLinkSchema,
        undefined,
        signal,
      )
      if (link === undefined) throw labFailed('its node gave no link', '', undefined)
      return { url: link.url, expiresAt: link.expiresAt, nodes: lab.nodes.map(({ name }) => name) }
    },
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function labFailed(what: string, hint: string, cause: unknown): FaultError<LabFault> {
  return new FaultError<LabFault>({ code: 'LAB_FAILED' }, `the practice lab cannot be opened: ${what}`, {
    cause,
    hint,
  })
}
