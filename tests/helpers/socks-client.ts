import { once } from 'node:events'
import { connect } from 'node:net'

/** A SOCKS5 client that says exactly the bytes that a test makes it say. */
export interface SocksClient {
  /** Each part in a packet of its own, as far as the system lets it. */
  say(...parts: readonly number[][]): Promise<void>
  /** Everything at once, then FIN. */
  end(...parts: readonly number[][]): void
  /** Waits for that many bytes more. */
  read(bytes: number): Promise<Buffer>
  /** All that comes until the end. Rejects when the connection breaks off. */
  all(): Promise<Buffer>
  close(): void
}

export async function openSocks(port: number): Promise<SocksClient> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true })
  let held = Buffer.alloc(0)
  let broken: Error | undefined
  let isOver = false
  let wake = (): void => {}
  const change = (): void => wake()
  socket.on('data', (part: Buffer) => {
    held = Buffer.concat([held, part])
    change()
  })
  socket.on('error', (error) => {
    broken = error
    change()
  })
  socket.on('end', () => {
    isOver = true
    change()
  })
  socket.on('close', () => {
    isOver = true
    change()
  })
  const until = async (done: () => boolean): Promise<void> => {
    const limit = AbortSignal.timeout(10_000)
    while (!done()) {
      if (broken !== undefined) throw broken
      if (limit.aborted) throw new Error(`the SOCKS5 port said only ${held.toString('hex')}`)
      await new Promise<void>((resolve) => {
        wake = resolve
        limit.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  }
  await once(socket, 'connect')
  return {
    async say(...parts) {
      for (const part of parts) {
        await new Promise<void>((resolve) => {
          socket.write(Uint8Array.from(part), () => resolve())
        })
      }
    },
    end: (...parts) => void socket.end(Uint8Array.from(parts.flat())),
    async read(bytes) {
      await until(() => held.length >= bytes)
      const result = held.subarray(0, bytes)
      held = held.subarray(bytes)
      return result
    },
    async all() {
      await until(() => isOver && broken === undefined)
      socket.end()
      return held
    },
    close: () => void socket.destroy(),
  }
}

/** Says something and returns all that is answered. */
export async function socksSay(port: number, bytes: number[]): Promise<Buffer> {
  const client = await openSocks(port)
  await client.say(bytes)
  return client.all()
}

/** Asks for a name; returns the reply and, when it was served, what the service says before it waits, as text. */
export async function socksConnect(
  port: number,
  name: string,
  asked = 80,
): Promise<{ reply: number; greeting: string }> {
  const client = await openSocks(port)
  await client.say([5, 1, 0])
  await client.read(2)
  await client.say([5, 1, 0, 3, name.length, ...Buffer.from(name), asked >> 8, asked & 0xff])
  const reply = (await client.read(10))[1] ?? 0xff
  client.end()
  const greeting = (await client.all()).toString()
  client.close()
  return { reply, greeting }
}
