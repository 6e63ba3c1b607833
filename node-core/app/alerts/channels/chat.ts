import { z } from 'zod'
import type { SettingsOf } from '../../config/alert-schema.ts'
import { isLoopback } from '../../config/schema-parts.ts'
import { type AlertMessage, subjectOf, textOf } from '../alert-text.ts'
import { withSecret, wordOf } from '../channel-secret.ts'
import { notTold } from '../delivery-fault.ts'
import { httpPost } from '../http-post.ts'

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' }
/** The least that each service says it takes in a message. */
const SLACK_MAX = 4_000
const TELEGRAM_MAX = 4_096
const MIN_SECRET_BYTES = 8

const cut = (text: string, max: number): string =>
  text.length <= max ? text : `${text.slice(0, max - 3)}...`

/** Slack's incoming webhooks: three characters have a meaning in its text. Source: api.slack.com, "Formatting text". */
const slackText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

export async function postSlack(
  { secretFile }: SettingsOf<'slack'>,
  message: AlertMessage,
  signal: AbortSignal,
): Promise<void> {
  const what = 'Slack'
  await withSecret(what, secretFile, MIN_SECRET_BYTES, async (secret) => {
    const url = wordOf(what, secret)
    const parsed = URL.parse(url)
    if (parsed?.protocol !== 'https:' && !isLoopback(parsed?.hostname ?? ''))
      throw notTold(what, 'its secret is not the https address of an incoming webhook', { retry: false })
    const text = cut(`*${slackText(subjectOf(message))}*\n${slackText(textOf(message))}`, SLACK_MAX)
    await httpPost({ what, url, headers: JSON_HEADERS, body: JSON.stringify({ text }), hide: url }, signal)
  })
}

const telegramAnswer = z.object({ ok: z.literal(true) })

/** The Bot API's `sendMessage`, without a parse mode: nothing in a title is markup. Source: core.telegram.org/bots/api. */
export async function postTelegram(
  { secretFile, url, chat }: SettingsOf<'telegram'>,
  message: AlertMessage,
  signal: AbortSignal,
): Promise<void> {
  const what = 'Telegram'
  await withSecret(what, secretFile, MIN_SECRET_BYTES, async (secret) => {
    const token = wordOf(what, secret)
    if (!/^[0-9]+:[A-Za-z0-9_-]+$/.test(token))
      throw notTold(what, 'its secret is not the token of a bot', { retry: false })
    const text = cut(`${subjectOf(message)}\n\n${textOf(message)}`, TELEGRAM_MAX)
    const body = JSON.stringify({ chat_id: chat, text, link_preview_options: { is_disabled: true } })
    const address = `${url.replace(/\/+$/, '')}/bot${token}/sendMessage`
    const said = await httpPost({ what, url: address, headers: JSON_HEADERS, body, hide: token }, signal)
    if (!telegramAnswer.safeParse(parsed(said)).success)
      throw notTold(what, 'it did not confirm the message', { retry: true })
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Then it is not what was asked for, and the schema says so.
    return undefined
  }
}
