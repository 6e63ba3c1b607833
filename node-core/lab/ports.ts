import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import type { Random } from '../platform/random.ts'
import { labFault } from './faults.ts'

/**
 * Below what systems give to outgoing connections (from 32768 on Linux, 49152 elsewhere), so that a port that is free
 * for a moment, because a link is cut or a node restarts, is not taken by somebody's outgoing connection.
 */
const FIRST_PORT = 20_000
const LAST_PORT = 32_000
const ATTEMPTS = 200

/** Listens on a free port of 127.0.0.1, and returns it. */
export async function listenOnFreePort(random: Pick<Random, 'unit'>, server: Server): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST_PORT + Math.floor(random.unit() * (LAST_PORT - FIRST_PORT))
    if (await listens(server, port)) return port
  }
  throw labFault({ code: 'LAB_NO_PORT' }, `no free port was found between ${FIRST_PORT} and ${LAST_PORT}`)
}

/** Free ports for programs that are about to listen on them. */
export async function freePorts(random: Pick<Random, 'unit'>, count: number): Promise<readonly number[]> {
  const servers: Server[] = []
  try {
    const ports: number[] = []
    // All at once open, so that they differ.
    for (let index = 0; index < count; index++) {
      const server = createServer()
      servers.push(server)
      ports.push(await listenOnFreePort(random, server))
    }
    return ports
  } finally {
    await Promise.all(servers.map(closeServer))
  }
}

/** True when the server listens; false when the port is taken. */
export async function listens(server: Server, port: number): Promise<boolean> {
  server.listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false
    throw error
  }
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return
  server.close()
  await once(server, 'close')
}
