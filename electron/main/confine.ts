/** What holds for every page there could ever be, not only for our window. */
import { readFile } from 'node:fs/promises'
import { app, protocol, session, shell } from 'electron'
import { externalAddress } from './external.ts'
import { APP_SCHEME, assetHeaders, resolveAsset } from './hardening.ts'

/** To be called before the app is ready. */
export function confineEveryPage(): void {
  app.enableSandbox()
  app.on('web-contents-created', (_event, contents) => {
    contents.on('will-navigate', (event) => event.preventDefault())
    contents.on('will-redirect', (event) => event.preventDefault())
    contents.on('will-frame-navigate', (event) => event.preventDefault())
    contents.on('will-attach-webview', (event) => event.preventDefault())
    contents.setWindowOpenHandler(({ url }) => {
      const address = externalAddress(url)
      if (address !== undefined) void shell.openExternal(address)
      return { action: 'deny' }
    })
  })
  protocol.registerSchemesAsPrivileged([
    { scheme: APP_SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ])
}

/** To be called once the app is ready. */
export function serveOurFilesOnly(folder: string): void {
  protocol.handle(APP_SCHEME, (request) => serveAsset(folder, request))
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, answer) => answer(false))
  session.defaultSession.setPermissionCheckHandler(() => false)
  session.defaultSession.setDevicePermissionHandler(() => false)
}

async function serveAsset(folder: string, request: Request): Promise<Response> {
  const file = request.method === 'GET' ? resolveAsset(folder, request.url) : undefined
  if (file === undefined) return new Response(null, { status: 403 })
  try {
    return new Response(new Uint8Array(await readFile(file)), { headers: assetHeaders(file) })
  } catch {
    return new Response(null, { status: 404 })
  }
}
