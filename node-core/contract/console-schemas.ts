import { z } from 'zod'
import { documentOf, roleSchema } from './schemas.ts'

const moment = z.number().int().nonnegative()

/** Of one signed-in browser. */
export const consoleSessionIdSchema = z.string().regex(/^web-[0-9a-f]{16}$/, 'must be a session id (web-...)')

/** A way in for one browser: it can be used once, and for a minute. */
export const consoleLinkSchema = documentOf({
  /** The console's address with the secret in its fragment, which browsers send to nobody. */
  url: z.string().min(1).max(2_048),
  role: roleSchema,
  expiresAt: moment,
})

export const consoleSessionSchema = z.object({
  id: consoleSessionIdSchema,
  role: roleSchema,
  signedInAt: moment,
  /** When it last asked for something. */
  seenAt: moment,
  /** When it ends, whatever it does. */
  expiresAt: moment,
  /** Windows that are connected now. */
  connections: z.number().int().nonnegative(),
})

/** What `POST /session` wants: the secret of the link. */
export const signInRequestSchema = z.strictObject({ secret: z.string().regex(/^[A-Za-z0-9_-]{43}$/) })

/**
 * What `POST /session` answers. The page keeps the token in sessionStorage and sends it as the first frame of its
 * WebSocket, or as `Authorization: Bearer` over HTTP.
 */
export const signInAnswerSchema = z.object({
  schema: z.literal(1),
  token: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  session: consoleSessionIdSchema,
  role: roleSchema,
  expiresAt: moment,
  /** Without a call for so long, the session ends. */
  idleMs: z.number().int().positive(),
})

/** The first frame of a WebSocket, as text. */
export const socketHelloSchema = z.strictObject({ token: z.string().max(128) })

/** The answer to it, as text. After that, the frames are those of oRPC. */
export const socketWelcomeSchema = z.object({
  schema: z.literal(1),
  session: consoleSessionIdSchema,
  role: roleSchema,
  expiresAt: moment,
})

/** Why the node closed a WebSocket: what the page shows depends on it. */
export const SOCKET_CLOSE = {
  /** No token, or none that is known: sign in. */
  notSignedIn: 4401,
  /** The session has ended: sign in. */
  expired: 4403,
  /** Too many windows. */
  tooMany: 4429,
  /** The node has something new to serve, or stops: connect again. */
  again: 4503,
  /** It read too slowly: connect again. */
  tooSlow: 4408,
} as const

export type ConsoleSession = z.infer<typeof consoleSessionSchema>
