import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A real HTTP server on loopback with one random file. */
export interface HttpSite {
  readonly port: number
  readonly target: string
  readonly path: string
  readonly sha256: string
  readonly sizeBytes: number
  requests(): number
  close(): Promise<void>
}

export async function startHttpSite(sizeBytes: number): Promise<HttpSite> {
  const file = randomBytes(sizeBytes)
  let requests = 0
  const server = createServer((request, response) => {
    requests++
    if (request.url !== '/file.bin') {
      response.writeHead(request.url === '/' ? 200 : 404, { 'content-type': 'text/plain' })
      response.end(request.url === '/' ? 'hello from the far side of the mesh\n' : 'not here\n')
      return
    }
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': file.length })
    response.end(file)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    target: `127.0.0.1:${port}`,
    path: '/file.bin',
    sha256: createHash('sha256').update(file).digest('hex'),
    sizeBytes,
    requests: () => requests,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A port of this machine that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
