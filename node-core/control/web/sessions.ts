import { createHash } from 'node:crypto'
import type { ConsoleSession } from '../../contract/console-schemas.ts'
import type { Role } from '../../domain/role.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Random } from '../../platform/random.ts'

/** A signed-in browser. */
export interface Session {
  readonly id: string
  readonly role: Role
  readonly signedInAt: number
  readonly expiresAt: number
  /** Aborts when the session ends, by time or by a person. */
  readonly ended: AbortSignal
}

export interface SignedIn {
  readonly token: string
  readonly session: Session
}

export type SignInOutcome =
  | { readonly kind: 'signed-in'; readonly signedIn: SignedIn }
  | { readonly kind: 'refused' }
  | { readonly kind: 'too-many'; readonly retryMs: number }

export interface Sessions {
  /** A secret that one browser can use once, within a minute. */
  createSecret(role: Role): { readonly secret: string; readonly expiresAt: number }
  /** `from` is the address that asks: who guesses is slowed down by it. */
  signIn(secret: string, from: string): SignInOutcome
  /** The session of a token. `use` says that a person or a program does something with it: it keeps the session alive. */
  find(token: string, use: boolean): Session | undefined
  list(): readonly Omit<ConsoleSession, 'connections'>[]
  end(id: string): boolean
  endAll(): void
}

export interface SessionsOptions {
  readonly idleMs: number
  readonly lifetimeMs: number
}

const SECRET_MS = 60_000
const SECRET_BYTES = 32
const MAX_SECRETS = 16
const MAX_SESSIONS = 32
const GUESSES = 10
const GUESSES_OF_ALL = 100
const GUESS_WINDOW_MS = 60_000
const MAX_GUESSERS = 256

interface Held {
  readonly session: Session
  readonly ending: AbortController
  seenAt: number
  cancelExpiry: () => void
}

/** Found by its digest: a comparison then says nothing about the secret by the time that it takes. */
const digest = (secret: string): string => createHash('sha256').update(secret).digest('base64')

export function createSessions(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  { idleMs, lifetimeMs }: SessionsOptions,
): Sessions {
  const secrets = new Map<string, { readonly role: Role; readonly expiresMs: number }>()
  const sessions = new Map<string, Held>()
  const guesses = createGuessCounter(clock)

  const fresh = (): string => Buffer.from(random.bytes(SECRET_BYTES)).toString('base64url')

  function forget(key: string, reason: string): void {
    const held = sessions.get(key)
    if (held === undefined) return
    sessions.delete(key)
    held.cancelExpiry()
    held.ending.abort(reason)
  }

  /** Ends by the clock, also when nobody asks: a window that only listens has to be cut. */
  function watch(key: string, held: Held): void {
    const leftMs = Math.min(held.seenAt + idleMs, held.session.expiresAt) - clock.now()
    if (leftMs <= 0) forget(key, 'the session has expired')
    else held.cancelExpiry = clock.after(leftMs, () => watch(key, held))
  }

  function open(role: Role): SignedIn {
    if (sessions.size >= MAX_SESSIONS) {
      const [oldest] = [...sessions].sort(([, a], [, b]) => a.seenAt - b.seenAt)
      if (oldest !== undefined) forget(oldest[0], 'too many browsers are signed in')
    }
    const token = fresh()
    const now = clock.now()
    const ending = new AbortController()
    const id = `web-${Buffer.from(random.bytes(8)).toString('hex')}`
    const session = { id, role, signedInAt: now, expiresAt: now + lifetimeMs, ended: ending.signal }
    const held: Held = { session, ending, seenAt: now, cancelExpiry: () => {} }
    sessions.set(digest(token), held)
    watch(digest(token), held)
    return { token, session }
  }

  return {
    createSecret(role) {
      const now = clock.monotonicMs()
      for (const [key, { expiresMs }] of secrets) if (expiresMs <= now) secrets.delete(key)
      while (secrets.size >= MAX_SECRETS) secrets.delete(secrets.keys().next().value ?? '')
      const secret = fresh()
      secrets.set(digest(secret), { role, expiresMs: now + SECRET_MS })
      return { secret, expiresAt: clock.now() + SECRET_MS }
    },
    signIn(secret, from) {
      const retryMs = guesses.blockedMs(from)
      if (retryMs > 0) return { kind: 'too-many', retryMs }
      const key = digest(secret)
      const found = secrets.get(key)
      secrets.delete(key)
      if (found === undefined || found.expiresMs <= clock.monotonicMs()) {
        guesses.count(from)
        return { kind: 'refused' }
      }
      return { kind: 'signed-in', signedIn: open(found.role) }
    },
    find(token, use) {
      const key = digest(token)
      const held = sessions.get(key)
      if (held === undefined) return undefined
      const now = clock.now()
      if (now >= held.session.expiresAt || now >= held.seenAt + idleMs) {
        forget(key, 'the session has expired')
        return undefined
      }
      if (use) held.seenAt = now
      return held.session
    },
    list: () =>
      [...sessions.values()].map(({ session: { id, role, signedInAt, expiresAt }, seenAt }) => ({
        ...{ id, role, signedInAt, seenAt, expiresAt },
      })),
    end(id) {
      const found = [...sessions].find(([, { session }]) => session.id === id)
      if (found !== undefined) forget(found[0], 'the session was ended')
      return found !== undefined
    },
    endAll() {
      for (const key of [...sessions.keys()]) forget(key, 'the console stops')
      secrets.clear()
    },
  }
}

/** Wrong secrets by who sent them. A secret cannot be guessed; this keeps a guesser from costing anything. */
function createGuessCounter(clock: Clock) {
  const counted = new Map<string, { first: number; count: number }>()
  const ALL = ''
  const leftMs = (key: string, limit: number): number => {
    const entry = counted.get(key)
    if (entry === undefined || entry.count < limit) return 0
    return Math.max(0, entry.first + GUESS_WINDOW_MS - clock.monotonicMs())
  }
  return {
    blockedMs: (from: string): number => Math.max(leftMs(from, GUESSES), leftMs(ALL, GUESSES_OF_ALL)),
    count(from: string): void {
      const now = clock.monotonicMs()
      for (const [key, { first }] of counted) if (first + GUESS_WINDOW_MS <= now) counted.delete(key)
      for (const key of [from, ALL]) {
        const entry = counted.get(key)
        if (entry !== undefined) entry.count += 1
        else if (counted.size < MAX_GUESSERS) counted.set(key, { first: now, count: 1 })
      }
    },
  }
}
