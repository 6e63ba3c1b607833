import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A service that can be shut, and that a command which its operator has declared opens again. */
export interface Shop {
  readonly target: string
  /** The text of `heal-commands.yaml` that declares that command. */
  readonly commands: string
  isOpen(): boolean
  shut(): void
  close(): Promise<void>
}

export async function startShop(): Promise<Shop> {
  let open = true
  const server = createServer((request, response) => {
    if (request.url === '/open') open = true
    response.writeHead(open ? 200 : 503).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const target = `127.0.0.1:${port}`
  return {
    target,
    commands: `commands:
  open-the-shop:
    run: /usr/bin/curl
    args: [--silent, --fail, "http://${target}/open"]
    service: shop
`,
    isOpen: () => open,
    shut() {
      open = false
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
