import { once } from 'node:events'
import net from 'node:net'
import { Uint8ArrayList } from 'uint8arraylist'
import { expect, it, vi } from 'vitest'
import { shortenSocket } from './socket-shortcut.ts'

it('writes the parts of one message to the socket at once', async () => {
  const server = net.createServer((socket) => socket.resume()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  const socket = net.connect({ port, host: '127.0.0.1' })
  await once(socket, 'connect')
  const single = vi.spyOn(socket, '_write')
  const gathered = vi.spyOn(socket, '_writev' as '_write')
  const raw = {
    socket,
    status: 'open' as const,
    writableNeedsDrain: false,
    writeBufferLength: 0,
    readBufferLength: 0,
    send: (data: Uint8Array | Uint8ArrayList): boolean => {
      for (const part of data instanceof Uint8ArrayList ? data : [data]) socket.write(part)
      return true
    },
  }
  shortenSocket(raw, () => {})
  raw.send(new Uint8ArrayList(Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)))
  expect(single).not.toHaveBeenCalled()
  expect(gathered).toHaveBeenCalledTimes(1)
  socket.destroy()
  server.close()
})
