import { statSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/fetch'
import type { ContractRouterClient } from '@orpc/contract'
import type { Contract } from '../../node-core/contract/contract.ts'
import { statusSchema } from '../../node-core/contract/schemas.ts'
import { ensureSocketDirectory, type HomePaths } from '../../node-core/platform/home.ts'
import type { NodeReader } from './node-bridge.ts'

/** More than any status can be; a process that answers with more is not our node. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024

/**
 * The node that serves the control socket of this home. Nothing is opened or made before the first question, and what
 * comes back is parsed: the socket may be served by a node of another version.
 */
export function createNodeClient(paths: HomePaths): NodeReader {
  const link = new RPCLink({
    url: 'http://node/rpc',
    fetch: async (request) => {
      // Checking the directory would make it: a console that only looks must not leave a home behind.
      statSync(paths.root)
      ensureSocketDirectory(paths)
      return fetchOverSocket(paths.socket, request)
    },
  })
  const client: ContractRouterClient<Contract> = createORPCClient(link)
  return { status: async (signal) => statusSchema.parse(await client.node.status(undefined, { signal })) }
}

/** HTTP over a Unix socket or a named pipe, which the built-in fetch cannot do. */
async function fetchOverSocket(socketPath: string, request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url)
  const body = Buffer.from(await request.arrayBuffer())
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = httpRequest({
      socketPath,
      path: pathname + search,
      method: request.method,
      headers: { ...Object.fromEntries(request.headers), 'content-length': body.length },
      signal: request.signal,
      agent: false,
    })
    outgoing.once('response', resolve)
    outgoing.once('error', reject)
    outgoing.end(body)
  })
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`the node's answer is over ${MAX_ANSWER_BYTES} bytes`)
    chunks.push(chunk)
  }
  return new Response(new Uint8Array(Buffer.concat(chunks)), {
    status: answer.statusCode ?? 500,
    headers: { 'content-type': answer.headers['content-type'] ?? 'application/octet-stream' },
  })
}
