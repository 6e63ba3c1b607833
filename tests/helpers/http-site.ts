import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttpServer, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'

/** A real HTTP server on loopback with one random file. */
export interface HttpSite {
  readonly port: number
  readonly target: string
  readonly path: string
  readonly sha256: string
  readonly sizeBytes: number
  requests(): number
  /** How often the file was asked for. */
  fetches(): number
  close(): Promise<void>
}

export interface HttpSiteOptions {
  /** As a server sends that does not have the machine to itself. By default as fast as it can. */
  readonly bytesPerSecond?: number
}

export async function startHttpSite(
  sizeBytes: number,
  { bytesPerSecond }: HttpSiteOptions = {},
): Promise<HttpSite> {
  const file = randomBytes(sizeBytes)
  let requests = 0
  let fetches = 0
  const server = createHttpServer((request, response) => {
    requests++
    if (request.url !== '/file.bin') {
      response.writeHead(request.url === '/' ? 200 : 404, { 'content-type': 'text/plain' })
      response.end(request.url === '/' ? 'hello from the far side of the mesh\n' : 'not here\n')
      return
    }
    fetches++
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': file.length })
    if (bytesPerSecond === undefined) response.end(file)
    else sendAtPace(response, file, bytesPerSecond)
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
    fetches: () => fetches,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const PACE_MS = 10

/** A little every 10 ms; what the other end does not take in time is not made up for. */
function sendAtPace(response: ServerResponse, file: Buffer, bytesPerSecond: number): void {
  const stepBytes = Math.ceil((bytesPerSecond * PACE_MS) / 1_000)
  let sent = 0
  const timer = setInterval(() => {
    if (response.writableNeedDrain) return
    response.write(file.subarray(sent, sent + stepBytes))
    sent += stepBytes
    if (sent < file.length) return
    clearInterval(timer)
    response.end()
  }, PACE_MS)
  response.on('close', () => clearInterval(timer))
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
