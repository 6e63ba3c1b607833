import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { createORPCClient, ORPCError } from '@orpc/client'
import { StandardRPCLink } from '@orpc/client/standard'
import { type ContractRouterClient, ValidationError } from '@orpc/contract'
import { ResponseValidationPlugin } from '@orpc/contract/plugins'
import { type Contract, contract } from '../../contract/contract.ts'
import { contractErrors } from '../../contract/errors.ts'
import { FaultError } from '../../platform/error.ts'
import { ensureSocketDirectory, type HomePaths } from '../../platform/home.ts'
import { cliFault } from '../fault.ts'
import { socketFault } from './socket-fault.ts'
import { createSocketSender } from './socket-link.ts'

/** Every operation of the contract, as functions. They throw FaultError and nothing else. */
export type NodeClient = ContractRouterClient<Contract>

export interface NodeClientOptions {
  /** For the whole of one call. */
  readonly timeoutMs: number
  /** Aborts every call, with a FaultError as its reason. */
  readonly signal: AbortSignal
  /** Another member, which the node of this home is to ask. */
  readonly node?: string | undefined
}

/** Talks to the node of a home. Nothing is opened before the first call. */
export function createNodeClient(
  paths: HomePaths,
  { timeoutMs, signal, node }: NodeClientOptions,
): NodeClient {
  const link = new StandardRPCLink(createSocketSender({ path: paths.socket, timeoutMs, signal }), {
    url: 'http://localhost/rpc',
    headers: node === undefined ? {} : { 'x0t-node': node },
    plugins: [new ResponseValidationPlugin(contract)],
    interceptors: [
      async ({ path, next }) => {
        try {
          checkWay(paths)
          return await next()
        } catch (error) {
          throw toFault(error, paths, path.join('.'), timeoutMs)
        }
      },
    ],
  })
  return createORPCClient(link)
}

/** The socket's directory has to be ours before anything is sent into it: another user's process could answer there. */
function checkWay(paths: HomePaths): void {
  if (paths.socket.startsWith('\\\\.\\pipe\\')) return
  statSync(dirname(paths.socket))
  ensureSocketDirectory(paths)
}

function toFault(error: unknown, paths: HomePaths, operation: string, timeoutMs: number): unknown {
  if (error instanceof FaultError) return error
  if (error instanceof ORPCError) return contractFault(error, operation)
  if (error instanceof ValidationError)
    return skew(operation, 'its answer is not what this version expects', error)
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return cliFault({ code: 'TIMEOUT' }, `the node did not answer ${operation} within ${timeoutMs} ms`, {
      cause: error,
      hint: 'It may be busy or stuck: try a longer --timeout, and see the log in the home.',
    })
  }
  return socketFault(error, paths)
}

function contractFault(error: ORPCError<string, unknown>, operation: string): unknown {
  const data = error.data
  if (error.status === 404) return skew(operation, 'it does not know that operation', error)
  if (error.code === 'FAULT') {
    const parsed = contractErrors.FAULT.data.safeParse(data)
    if (parsed.success)
      return new FaultError({ code: parsed.data.code }, error.message, { hint: parsed.data.hint })
  }
  const hint = typeof data === 'object' && data !== null && 'hint' in data ? String(data.hint) : ''
  return new FaultError({ code: error.code }, error.message, { hint })
}

function skew(operation: string, what: string, cause: unknown): FaultError {
  return cliFault(
    { code: 'VERSION_SKEW' },
    `the running node and this x0t do not fit together in ${operation}: ${what}`,
    {
      cause,
      hint: 'They are of different versions: restart the node with x0t down and x0t up.',
    },
  )
}
