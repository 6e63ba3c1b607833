import { record, strict } from './record.ts'

type Handler = (request: Request) => Response | Promise<Response>

/** `app://console/x` is shown to Chromium as `https://console.app.scheme.localhost/x`: a secure origin of its own. */
const SUFFIX = '.scheme.localhost'
const privileged = new Set<string>()
const handlers = new Map<string, Handler>()

export const protocol = strict('protocol', {
  registerSchemesAsPrivileged(schemes: readonly { scheme: string; privileges: object }[]) {
    for (const { scheme } of schemes) privileged.add(scheme)
    record('protocol.registerSchemesAsPrivileged', schemes)
  },
  handle(scheme: string, handler: Handler) {
    handlers.set(scheme, handler)
    record('protocol.handle', scheme)
  },
})

export type PermissionAnswer = (permission: string) => boolean
let request: PermissionAnswer = () => true
let check: PermissionAnswer = () => true
/** One of the two that grants is one too many: Electron asks the first for what a page asks for, the second for the rest. */
export const permits: PermissionAnswer = (permission) => request(permission) || check(permission)

export const session = {
  defaultSession: strict('session', {
    setPermissionRequestHandler(
      handler: (contents: null, permission: string, answer: (granted: boolean) => void) => void,
    ) {
      request = (permission) => {
        let granted = true
        handler(null, permission, (answer) => {
          granted = answer
        })
        return granted
      }
    },
    setPermissionCheckHandler(handler: (contents: null, permission: string) => boolean) {
      check = (permission) => handler(null, permission)
    },
    setDevicePermissionHandler(handler: () => boolean) {
      record('session.devicePermission', handler())
    },
  }),
}

export function toWeb(address: string): string {
  const url = new URL(address)
  const scheme = url.protocol.slice(0, -1)
  if (!privileged.has(scheme)) return address
  return `https://${url.host}.${scheme}${SUFFIX}${url.pathname}${url.search}${url.hash}`
}

export function toApp(address: string): string {
  if (!URL.canParse(address)) return address
  const url = new URL(address)
  if (!url.host.endsWith(SUFFIX)) return address
  const parts = url.host.slice(0, -SUFFIX.length).split('.')
  const scheme = parts.pop()
  return `${scheme}://${parts.join('.')}${url.pathname}${url.search}${url.hash}`
}

const schemeOf = (address: string): string => address.slice(0, address.indexOf(':'))
export const isServed = (address: string): boolean => handlers.has(schemeOf(address))

/** What the app's handler of that scheme answers. */
export async function serve(
  address: string,
  method: string,
): Promise<{ status: number; headers: Record<string, string>; body: Buffer }> {
  const handler = handlers.get(schemeOf(address))
  if (handler === undefined) throw new Error(`nobody serves ${address}`)
  const response = await handler(new Request(address, { method }))
  const body = Buffer.from(await response.arrayBuffer())
  return { status: response.status, headers: Object.fromEntries(response.headers), body }
}
