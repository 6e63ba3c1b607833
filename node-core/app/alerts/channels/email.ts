import { readFile } from 'node:fs/promises'
import { createTransport } from 'nodemailer'
import type { SettingsOf } from '../../config/alert-schema.ts'
import { type AlertMessage, subjectOf, textOf } from '../alert-text.ts'
import { withSecret } from '../channel-secret.ts'
import { notTold } from '../delivery-fault.ts'

const TIMEOUT_MS = 10_000
const WHAT = 'the mail server'

/** One mail for a message, over SMTP. Loaded when the first one is sent. */
export async function sendEmail(
  settings: SettingsOf<'email'>,
  message: AlertMessage,
  signal: AbortSignal,
): Promise<void> {
  const { user, secretFile } = settings
  if (user === undefined || secretFile === undefined) return send(settings, undefined, message, signal)
  await withSecret(WHAT, secretFile, 1, (secret) =>
    send(settings, { user, pass: secret.toString('utf8') }, message, signal),
  )
}

async function send(
  { host, port, security, from, to, caFile }: SettingsOf<'email'>,
  auth: { readonly user: string; readonly pass: string } | undefined,
  message: AlertMessage,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  const transport = createTransport({
    ...{ host, port, secure: security === 'tls', requireTLS: security === 'starttls' },
    ignoreTLS: security === 'none',
    ...(auth === undefined ? {} : { auth: { ...auth } }),
    tls: {
      minVersion: 'TLSv1.2',
      ...(caFile === undefined ? {} : { ca: await readFile(caFile) }),
    },
    ...{ connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS },
    // Nothing of a message may name a file or an address to be read.
    ...{ disableFileAccess: true, disableUrlAccess: true },
  })
  try {
    await transport.sendMail({
      ...{ from, to: [...to], subject: subjectOf(message), text: textOf(message) },
      headers: { 'auto-submitted': 'auto-generated' },
    })
  } catch (error) {
    throw notTold(WHAT, reasonOf(error, auth?.pass), { retry: isTransient(error), cause: error })
  } finally {
    transport.close()
  }
}

function reasonOf(error: unknown, password: string | undefined): string {
  const text = error instanceof Error ? error.message : String(error)
  return (password === undefined ? text : text.replaceAll(password, '...'))
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, 300)
}

/** 4xx is "later", 5xx is "never"; no answer is "later" as well. RFC 5321, 4.2.1. */
function isTransient(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return true
  const { responseCode } = error as { responseCode?: unknown }
  return typeof responseCode !== 'number' || responseCode < 500
}
