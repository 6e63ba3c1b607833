import { createHmac } from 'node:crypto'
import { FaultError, messageOf } from '../../platform/error.ts'
import { readSecretFile } from '../../security/secret-file.ts'

export interface WebhookSettings {
  readonly url: string
  /** Holds the key of the signature; mode 0600. */
  readonly secretFile: string
}

export type NotifyFault = { code: 'NOTIFY_FAILED'; why: string }

const MAX_SECRET_BYTES = 1_024
const MIN_SECRET_BYTES = 16

/**
 * Posts `body` as JSON. `X-X0t-Signature: t=SECONDS,v1=HEX` is HMAC-SHA-256 over `SECONDS.BODY`, so that the receiver
 * can tell ours from others' and old from new.
 *
 * @throws FaultError NOTIFY_FAILED
 */
export async function postWebhook(
  settings: WebhookSettings,
  body: object,
  nowMs: number,
  signal: AbortSignal,
): Promise<void> {
  const failed = (why: string, cause?: unknown) =>
    new FaultError<NotifyFault>({ code: 'NOTIFY_FAILED', why }, `the webhook was not told: ${why}`, { cause })
  const read = await readSecretFile(settings.secretFile, MAX_SECRET_BYTES)
  if (read === undefined) throw failed(`${settings.secretFile} is not there`)
  const secret = Buffer.from(read)
  try {
    // The line end that an editor leaves is not part of it.
    const key = secret.subarray(0, secret.at(-1) === 10 ? secret.length - 1 : secret.length)
    if (key.length < MIN_SECRET_BYTES) throw failed(`its secret has fewer than ${MIN_SECRET_BYTES} bytes`)
    const text = JSON.stringify(body)
    const seconds = Math.floor(nowMs / 1_000)
    const signature = createHmac('sha256', key).update(`${seconds}.${text}`).digest('hex')
    const response = await fetch(settings.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-x0t-signature': `t=${seconds},v1=${signature}` },
      body: text,
      // Whoever answers must not send the signed text on to another place.
      redirect: 'error',
      signal,
    }).catch((error: unknown) => {
      throw failed(messageOf(error), error)
    })
    await response.body?.cancel()
    if (!response.ok) throw failed(`it answered ${response.status}`)
  } finally {
    secret.fill(0)
  }
}
