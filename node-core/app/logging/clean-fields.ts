import { FaultError } from '../../platform/error.ts'
import type { LogFields } from '../../platform/logger.ts'

const HIDDEN = '[hidden]'
const MAX_DEPTH = 6
const MAX_ITEMS = 50
const MAX_TEXT_LENGTH = 4_096

/** Names of fields whose value is a secret wherever they appear; compared without case, `-` and `_`. */
const SECRET_NAMES: ReadonlySet<string> = new Set([
  'passphrase',
  'password',
  'passwd',
  'pass',
  'secret',
  'secrets',
  'token',
  'invitetoken',
  'seed',
  'seeds',
  'privatekey',
  'secretkey',
  'signingkey',
  'psk',
  'authorization',
  'cookie',
  'bearer',
  'apikey',
])

/** The log's own fields: one of the same name would make the line say two things at once. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(['level', 'time', 'msg'])

/** An invite is recognised by its prefix, in whatever text it stands. */
const TOKEN = /x0t1[A-Za-z0-9_+/=-]{12,}/g

/** A text without invites in it, and of bounded length. */
export function cleanText(text: string): string {
  const short = text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}...` : text
  return short.replaceAll(TOKEN, `x0t1${HIDDEN}`)
}

/**
 * What a line may hold: plain, bounded data, with the values of secret names hidden and bytes given by their length
 * alone. A second net: whoever logs a secret is wrong already. Never throws.
 */
export function cleanFields(fields: LogFields): LogFields {
  try {
    return Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [
        RESERVED_NAMES.has(name) ? `${name}_` : name,
        cleanNamed(name, value, 0),
      ]),
    )
  } catch {
    // A getter or a proxy that throws.
    return { fields: '[unreadable]' }
  }
}

const isSecretName = (name: string): boolean => SECRET_NAMES.has(name.replaceAll(/[-_]/g, '').toLowerCase())

function cleanNamed(name: string, value: unknown, depth: number): unknown {
  return isSecretName(name) && value !== undefined && value !== null ? HIDDEN : clean(value, depth)
}

function clean(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cleanText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object' || value === null) return value
  return depth >= MAX_DEPTH ? '[too deep]' : cleanObject(value, depth + 1)
}

function cleanObject(value: object, depth: number): unknown {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
  if (value instanceof Error) return cleanError(value, depth)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '[no date]' : value.toISOString()
  if (value instanceof Map || value instanceof Set) return `[${value.constructor.name} of ${value.size}]`
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map((item) => clean(item, depth))
    return value.length > MAX_ITEMS ? [...items, `[${value.length - MAX_ITEMS} more]`] : items
  }
  const entries = Object.entries(value)
  const kept = entries.slice(0, MAX_ITEMS).map(([name, inner]) => [name, cleanNamed(name, inner, depth)])
  if (entries.length > MAX_ITEMS) kept.push(['...', `[${entries.length - MAX_ITEMS} more]`])
  return Object.fromEntries(kept)
}

function cleanError(error: Error, depth: number): object {
  const code: unknown = 'code' in error ? error.code : undefined
  return {
    name: error.name,
    ...(code === undefined ? {} : { code: clean(code, depth) }),
    message: cleanText(error.message),
    ...(error instanceof FaultError ? { fault: clean(error.fault, depth) } : {}),
    ...(error.stack === undefined ? {} : { stack: cleanText(error.stack) }),
    ...(error.cause === undefined ? {} : { cause: clean(error.cause, depth) }),
  }
}
