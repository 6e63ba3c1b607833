import type { Alert } from '../../../domain/alert.ts'
import type { SettingsOf } from '../../config/alert-schema.ts'
import { type AlertMessage, documentOf, subjectOf, textOf, worstOf } from '../alert-text.ts'
import { withSecret, wordOf } from '../channel-secret.ts'
import { httpPost } from '../http-post.ts'

const MIN_SECRET_BYTES = 8
const DATADOG_MAX_TITLE = 100
const DATADOG_MAX_TEXT = 4_000

const under = (base: string, path: string): string => `${base.replace(/\/+$/, '')}${path}`

/** HTTP Event Collector: events one after the other, the token in the header. Source: docs.splunk.com, "Format events for HEC". */
export async function postSplunk(
  { secretFile, url, index }: SettingsOf<'splunk'>,
  message: AlertMessage,
  now: number,
  signal: AbortSignal,
): Promise<void> {
  const what = 'Splunk'
  const { node, mesh, alerts } = documentOf(message, now)
  const events = alerts.map((alert) => ({
    ...{ time: alert.at / 1_000, host: node, source: 'x0t', sourcetype: 'x0t:alert' },
    ...(index === undefined ? {} : { index }),
    event: { node, mesh, ...alert },
  }))
  await withSecret(what, secretFile, MIN_SECRET_BYTES, async (secret) => {
    const token = wordOf(what, secret)
    const headers = { authorization: `Splunk ${token}`, 'content-type': 'application/json' }
    const body = events.map((event) => JSON.stringify(event)).join('\n')
    await httpPost({ what, url: under(url, '/services/collector/event'), headers, body, hide: token }, signal)
  })
}

const DATADOG_TYPES = { critical: 'error', warning: 'warning', info: 'info' } as const

/** Alerts of one incident are one story there. */
const aggregationKey = ([first, ...others]: readonly Alert[]): string | undefined =>
  others.length === 0 ? first?.incident : undefined

/** The Events API, version 1: one event for a message. Source: docs.datadoghq.com, "Post an event". */
export async function postDatadog(
  { secretFile, url, tags }: SettingsOf<'datadog'>,
  message: AlertMessage,
  now: number,
  signal: AbortSignal,
): Promise<void> {
  const what = 'Datadog'
  const { alerts, node, mesh } = message
  const isOver = alerts.every(({ event }) => event === 'resolved')
  const body = JSON.stringify({
    title: subjectOf(message).slice(0, DATADOG_MAX_TITLE),
    text: textOf(message).slice(0, DATADOG_MAX_TEXT),
    alert_type: isOver ? 'success' : DATADOG_TYPES[worstOf(message)],
    date_happened: Math.floor(now / 1_000),
    host: node,
    source_type_name: 'x0t',
    aggregation_key: aggregationKey(alerts),
    tags: [`node:${node}`, `mesh:${mesh}`, `severity:${worstOf(message)}`, ...tags],
  })
  await withSecret(what, secretFile, MIN_SECRET_BYTES, async (secret) => {
    const key = wordOf(what, secret)
    const headers = { 'dd-api-key': key, 'content-type': 'application/json' }
    await httpPost({ what, url: under(url, '/api/v1/events'), headers, body, hide: key }, signal)
  })
}
