import type { Socket } from 'node:net'
import type { Clock } from '../platform/clock.ts'
import { messageOf } from '../platform/error.ts'
import { http } from '../platform/http.ts'
import type { Target, TargetDialer } from './target.ts'
import { formatTarget } from './target.ts'

/** What proves that a target works: it takes a connection, or it answers a GET with 2xx or 3xx. */
export type Check = { readonly kind: 'tcp' } | { readonly kind: 'http'; readonly path: string }

export type CheckResult = { readonly ok: true } | { readonly ok: false; readonly reason: string }

const MAX_CHECK_LENGTH = 1024
/** Headers of an answer beyond this fail the check. */
const MAX_ANSWER_HEADER_BYTES = 16 * 1024

/** Reads `tcp` or `http:/path`; `undefined` for anything else. */
export function parseCheck(raw: string): Check | undefined {
  if (raw === 'tcp') return { kind: 'tcp' }
  const path = /^http:(\/[\x21-\x7e]*)$/.exec(raw)?.[1]
  return path === undefined || raw.length > MAX_CHECK_LENGTH ? undefined : { kind: 'http', path }
}

export interface CheckDeps {
  readonly dialer: TargetDialer
  readonly clock: Clock
}

/** Runs a check once, for `timeoutMs` at most. Never rejects and leaves nothing open. */
export async function runCheck(
  { dialer, clock }: CheckDeps,
  request: { check: Check; target: Target; timeoutMs: number },
  signal: AbortSignal,
): Promise<CheckResult> {
  const { check, target, timeoutMs } = request
  const startedMs = clock.monotonicMs()
  const connected = await dialer.connect(target, timeoutMs, signal)
  if (connected.kind !== 'connected') return { ok: false, reason: connected.reason }
  const { socket } = connected
  try {
    if (check.kind === 'tcp') return { ok: true }
    const leftMs = Math.max(1, timeoutMs - (clock.monotonicMs() - startedMs))
    const limit = new AbortController()
    const cancel = clock.after(leftMs, () => limit.abort())
    try {
      const status = await getStatus(socket, target, check.path, AbortSignal.any([signal, limit.signal]))
      return status >= 200 && status < 400
        ? { ok: true }
        : { ok: false, reason: `GET ${check.path} gave ${status}, expected 2xx or 3xx` }
    } catch (error) {
      const reason = limit.signal.aborted ? `no answer within ${timeoutMs} ms` : messageOf(error)
      return { ok: false, reason: `GET ${check.path}: ${reason}` }
    } finally {
      cancel()
    }
  } finally {
    socket.destroy()
  }
}

function getStatus(socket: Socket, target: Target, path: string, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.get({
      path,
      headers: { host: formatTarget(target), connection: 'close', 'user-agent': 'x0t-check' },
      createConnection: () => socket,
      maxHeaderSize: MAX_ANSWER_HEADER_BYTES,
      signal,
    })
    request.on('response', (response) => {
      resolve(response.statusCode ?? 0)
      response.destroy()
    })
    request.on('error', reject)
  })
}
