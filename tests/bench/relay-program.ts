/** A plain TCP relay as a process of its own: `node relay-program.ts TARGET_PORT` prints its port to the parent. */
import net from 'node:net'

const target = Number(process.argv[2])
const server = net.createServer((near) => {
  const far = net.connect({ port: target, host: '127.0.0.1', noDelay: true })
  near.setNoDelay(true)
  near.pipe(far).pipe(near)
  for (const socket of [near, far]) socket.on('error', () => near.destroy(far.destroy().errored ?? undefined))
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as net.AddressInfo).port))
process.on('disconnect', () => process.exit())
