import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join, relative, sep } from 'node:path'

/** In index.html: replaced by a nonce that is another for every answer, for styles that a library adds by script. */
const NONCE_MARK = '__CSP_NONCE__'

const CONTENT_TYPES = new Map([
  ['html', 'text/html; charset=utf-8'],
  ['js', 'text/javascript; charset=utf-8'],
  ['css', 'text/css; charset=utf-8'],
  ['svg', 'image/svg+xml'],
  ['png', 'image/png'],
  ['woff2', 'font/woff2'],
  ['json', 'application/json'],
])

/** Nothing but our own files. `trusted-types default` is for a page that checks what a library writes as HTML. */
function contentSecurityPolicy(nonce: string, socketOrigin: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self'",
    "font-src 'self'",
    "worker-src 'self'",
    `connect-src 'self' ${socketOrigin}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "object-src 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types default',
  ].join('; ')
}

/** Headers of every answer of the console. */
export function securityHeaders(secure: boolean): Record<string, string> {
  return {
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), usb=(), payment=()',
    ...(secure ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  }
}

export interface PageFiles {
  /** Answers a GET or HEAD for the page or one of its files; false for a path that is neither. */
  serve(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean>
}

/**
 * The files of the console's page. What is there is listed once: a request chooses from that list, so that no path can
 * leave the folder.
 */
export async function openPageFiles(
  folder: string,
  { secure }: { readonly secure: boolean },
): Promise<PageFiles> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = new Map<string, string>(
    entries
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.map'))
      .map((entry) => {
        const path = join(entry.parentPath, entry.name)
        return [`/${relative(folder, path).split(sep).join('/')}`, path] as const
      }),
  )
  const page = files.get('/index.html')
  if (page === undefined) throw new Error(`${folder} holds no index.html: the console is not built`)

  async function servePage(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const nonce = randomBytes(16).toString('base64')
    const text = (await readFile(path, 'utf8')).replaceAll(NONCE_MARK, nonce)
    response.writeHead(200, {
      ...securityHeaders(secure),
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': contentSecurityPolicy(
        nonce,
        `${secure ? 'wss' : 'ws'}://${request.headers.host ?? ''}`,
      ),
      'cache-control': 'no-store',
    })
    response.end(request.method === 'HEAD' ? undefined : text)
  }

  async function serveFile(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const { size } = await stat(path)
    // Names of built files carry a hash of what is in them.
    const hashed = /-[\w-]{8,}\.\w+$/.test(path)
    response.writeHead(200, {
      ...securityHeaders(secure),
      'content-type': CONTENT_TYPES.get(path.slice(path.lastIndexOf('.') + 1)) ?? 'application/octet-stream',
      'content-length': size,
      // A worker gets the policy of its own answer and not that of the page.
      'content-security-policy': "default-src 'none'; script-src 'self'",
      'cache-control': hashed ? 'private, max-age=31536000, immutable' : 'no-store',
    })
    if (request.method === 'HEAD') response.end()
    else
      createReadStream(path)
        .on('error', () => response.destroy())
        .pipe(response)
  }

  return {
    async serve(request, response, path) {
      if (path === '/index.html' || !/\.\w+$/.test(path)) {
        // The page keeps its place in the path, so every address without an ending is the page.
        await servePage(request, response, page)
        return true
      }
      const file = files.get(path)
      if (file === undefined) return false
      await serveFile(request, response, file)
      return true
    },
  }
}
