import { createHmac } from 'node:crypto'
import { withSecret } from './channel-secret.ts'
import { httpPost } from './http-post.ts'

export interface WebhookSettings {
  readonly url: string
  /** Holds the key of the signature; mode 0600. */
  readonly secretFile: string
}

const MIN_SECRET_BYTES = 16
const WHAT = 'the webhook'

/**
 * Posts `body` as JSON. `X-X0t-Signature: t=SECONDS,v1=HEX` is HMAC-SHA-256 over `SECONDS.BODY`, so that the receiver
 * can tell ours from others' and old from new. For alerts and for the step `notify` of a playbook.
 *
 * @throws FaultError NOTIFY_FAILED
 */
export async function postWebhook(
  settings: WebhookSettings,
  body: object,
  nowMs: number,
  signal: AbortSignal,
): Promise<void> {
  const text = JSON.stringify(body)
  const seconds = Math.floor(nowMs / 1_000)
  const signature = await withSecret(WHAT, settings.secretFile, MIN_SECRET_BYTES, async (key) =>
    createHmac('sha256', key).update(`${seconds}.${text}`).digest('hex'),
  )
  await httpPost(
    {
      ...{ what: WHAT, url: settings.url, body: text },
      headers: { 'content-type': 'application/json', 'x-x0t-signature': `t=${seconds},v1=${signature}` },
    },
    signal,
  )
}
