import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

type Direction = 'there' | 'back'

/** A TCP connection's way through this process, which can be held up, slowed down and cut. */
export interface TcpProxy {
  readonly port: number
  /** Takes nothing more out of the sockets of a direction, or of both: bytes wait, none are lost. */
  hold(direction?: Direction): void
  release(): void
  /** Hands on what comes from now on so much later, in order. */
  delay(ms: number): void
  /** Resets every connection that goes through. */
  cut(): void
  stop(): Promise<void>
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const held = new Set<Direction>()
  const sockets = new Map<Socket, Direction>()
  let delayMs = 0

  const relay = (from: Socket, to: Socket, direction: Direction): void => {
    sockets.set(from, direction)
    if (held.has(direction)) from.pause()
    from.setNoDelay(true)
    from.on('data', (chunk) => {
      const write = (): void => {
        if (to.destroyed) return
        if (!to.write(chunk)) {
          from.pause()
          to.once('drain', () => {
            if (!held.has(direction)) from.resume()
          })
        }
      }
      if (delayMs === 0) write()
      else setTimeout(write, delayMs)
    })
    from.on('error', () => {})
    from.on('end', () => to.end())
    from.on('close', () => {
      sockets.delete(from)
      to.destroy()
    })
  }
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true })
    relay(near, far, 'there')
    relay(far, near, 'back')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    hold(direction) {
      for (const one of direction === undefined ? (['there', 'back'] as const) : [direction]) held.add(one)
      for (const [socket, way] of sockets) if (held.has(way)) socket.pause()
    },
    release() {
      held.clear()
      for (const socket of sockets.keys()) socket.resume()
    },
    delay(ms) {
      delayMs = ms
    },
    cut() {
      for (const socket of sockets.keys()) socket.resetAndDestroy()
    },
    async stop() {
      for (const socket of sockets.keys()) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
