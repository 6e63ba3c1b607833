/** The line of a page in a browser: sign-in over HTTP, then the contract over a WebSocket to the node that served the page. */
import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/websocket'
import type { z } from 'zod'
import {
  SOCKET_CLOSE,
  signInAnswerSchema,
  socketWelcomeSchema,
} from '../../node-core/contract/console-schemas.ts'
import { errorDocumentSchema } from '../../node-core/contract/errors.ts'
import type { Bridge, Line, LineEnd, NodeClient, Opening, Problem } from './line.ts'

/** The part of a browser that is used here. */
export interface Browser {
  readonly origin: string
  readonly sessionStorage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
  fetch(input: string, init: RequestInit): Promise<Response>
  openSocket(address: string): WebSocket
}

const TOKEN_KEY = 'x0t.token'

const NOT_REACHED: Problem = { code: 'NODE_NOT_REACHED', message: '', hint: '' }

export function createWebBridge(browser: Browser): Bridge {
  const { sessionStorage } = browser
  /** Why nobody is signed in, for as long as no new token came. */
  let signedOut: 'none' | 'expired' | 'refused' = 'none'

  return {
    async open(signal) {
      const token = sessionStorage.getItem(TOKEN_KEY)
      if (token === null) return { kind: 'signed-out', why: signedOut }
      const opening = await openLine(browser, token, signal)
      if (opening.kind === 'signed-out') sessionStorage.removeItem(TOKEN_KEY)
      if (opening.kind === 'open') {
        void opening.line.closed.then((end) => {
          if (end.kind === 'signed-out') sessionStorage.removeItem(TOKEN_KEY)
        })
      }
      return opening
    },
    async signIn(secret) {
      const answer = await exchange(browser, secret)
      if (typeof answer !== 'string') {
        signedOut = 'refused'
        return answer
      }
      sessionStorage.setItem(TOKEN_KEY, answer)
      return 'signed-in'
    },
    signOut() {
      const token = sessionStorage.getItem(TOKEN_KEY)
      signedOut = 'none'
      sessionStorage.removeItem(TOKEN_KEY)
      if (token === null) return
      const headers = { authorization: `Bearer ${token}` }
      // Whether the node hears it or not, this tab has forgotten the token.
      browser.fetch(`${browser.origin}/session`, { method: 'DELETE', headers }).catch(() => {})
    },
  }
}

/** @returns the token, or why there is none */
async function exchange({ fetch, origin }: Browser, secret: string): Promise<string | Problem> {
  try {
    const response = await fetch(`${origin}/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ secret }),
    })
    const body: unknown = await response.json()
    const answer = signInAnswerSchema.safeParse(body)
    if (answer.success) return answer.data.token
    return errorDocumentSchema.safeParse(body).data?.error ?? NOT_REACHED
  } catch {
    return NOT_REACHED
  }
}

/** What opening a socket came to: the welcome, or the end before it. */
type Greeting = { readonly kind: 'welcome'; readonly welcome: z.infer<typeof socketWelcomeSchema> } | LineEnd

async function openLine(browser: Browser, token: string, signal: AbortSignal): Promise<Opening> {
  const socket = browser.openSocket(`${browser.origin.replace(/^http/, 'ws')}/rpc`)
  socket.binaryType = 'arraybuffer'
  const closed = new Promise<LineEnd>((resolve) => {
    socket.addEventListener('close', ({ code }) => resolve(endOf(code)), { once: true })
  })
  const stop = (): void => socket.close()
  signal.addEventListener('abort', stop, { once: true })
  socket.addEventListener('open', () => socket.send(JSON.stringify({ token })), { once: true })
  const greeting = await Promise.race([welcomeOn(socket), closed])
  signal.removeEventListener('abort', stop)
  if (greeting.kind !== 'welcome') {
    socket.close()
    return greeting
  }
  const client: NodeClient = createORPCClient(new RPCLink({ websocket: socket }))
  const { role, expiresAt } = greeting.welcome
  const line: Line = { client, role, expiresAt, closed, close: stop }
  return { kind: 'open', line }
}

function welcomeOn(socket: WebSocket): Promise<Greeting> {
  return new Promise((resolve) => {
    socket.addEventListener(
      'message',
      ({ data }) => {
        const welcome = socketWelcomeSchema.safeParse(jsonIn(data))
        resolve(
          welcome.success
            ? { kind: 'welcome', welcome: welcome.data }
            : { kind: 'lost', problem: NOT_REACHED },
        )
      },
      { once: true },
    )
  })
}

function jsonIn(data: unknown): unknown {
  try {
    return typeof data === 'string' ? JSON.parse(data) : undefined
  } catch {
    return undefined
  }
}

function endOf(code: number): LineEnd {
  switch (code) {
    case SOCKET_CLOSE.notSignedIn:
    case SOCKET_CLOSE.expired:
      return { kind: 'signed-out', why: 'expired' }
    case SOCKET_CLOSE.tooMany:
      return { kind: 'lost', problem: { code: 'TOO_MANY_WINDOWS', message: '', hint: '' } }
    default:
      return { kind: 'lost', problem: NOT_REACHED }
  }
}

const SECRET = /^[A-Za-z0-9_-]{43}$/
const SIGN_IN = /[#&]sign-in=([A-Za-z0-9_-]{43})(?:$|&)/

/** The secret in the fragment of a sign-in link, or in what a person pasted: the link or the secret alone. */
export function secretIn(text: string): string | undefined {
  const trimmed = text.trim()
  return SIGN_IN.exec(trimmed)?.[1] ?? (SECRET.test(trimmed) ? trimmed : undefined)
}
