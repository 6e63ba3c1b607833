/** What the window may load and who may talk to the main process, as pure functions. */
import { relative, resolve, sep } from 'node:path'

/** The scheme and the host of the only page that the window ever shows. */
export const APP_SCHEME = 'app'
const APP_HOST = 'console'
export const APP_URL = `${APP_SCHEME}://${APP_HOST}/`

/** Nothing but our own files: no inline script or style, no remote content, no connection, no frame. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "object-src 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

const CONTENT_TYPES = new Map([
  ['html', 'text/html; charset=utf-8'],
  ['js', 'text/javascript; charset=utf-8'],
  ['css', 'text/css; charset=utf-8'],
  ['svg', 'image/svg+xml'],
  ['png', 'image/png'],
])

/** Headers of every answer to the window. */
export function assetHeaders(path: string): Readonly<Record<string, string>> {
  const extension = path.slice(path.lastIndexOf('.') + 1)
  return {
    'content-type': CONTENT_TYPES.get(extension) ?? 'application/octet-stream',
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  }
}

/**
 * The file that an `app://console/...` address names, or `undefined` for any other address and for every path that leaves
 * `folder`, however it is encoded.
 */
export function resolveAsset(folder: string, address: string): string | undefined {
  if (!isOwnAddress(address)) return undefined
  const path = decodePath(new URL(address).pathname)
  // A backslash separates on Windows and a NUL ends a path in C: neither is in the name of any file of ours.
  if (path === undefined || /[\\\0]/.test(path)) return undefined
  const file = resolve(folder, path === '/' ? 'index.html' : `.${path}`)
  const inside = relative(folder, file)
  return inside === '' || inside === '..' || inside.startsWith(`..${sep}`) ? undefined : file
}

function decodePath(pathname: string): string | undefined {
  try {
    return decodeURIComponent(pathname)
  } catch {
    return undefined
  }
}

/** True for an address of our own page. A text that is no address, such as `null`, is not. */
export function isOwnAddress(address: string): boolean {
  if (!URL.canParse(address)) return false
  const { protocol, host, username, password } = new URL(address)
  return protocol === `${APP_SCHEME}:` && host === APP_HOST && username === '' && password === ''
}

/** What is looked at of Electron's `WebFrameMain`. */
export interface SenderFrame {
  readonly url: string
  readonly parent: unknown
}

/** True when a message comes from the top frame of our own page: never from a frame inside it, never from another page. */
export function isOwnFrame(frame: SenderFrame | null | undefined): boolean {
  return frame !== null && frame !== undefined && frame.parent === null && isOwnAddress(frame.url)
}
