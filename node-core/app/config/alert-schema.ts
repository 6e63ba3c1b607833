import { z } from 'zod'
import { ALERT_EVENTS } from '../../domain/alert.ts'
import { SEVERITIES } from '../../domain/symptom.ts'
import {
  duration,
  filePath,
  HOUR_MS,
  isLoopback,
  oneOf,
  section,
  secureAddress,
  webAddress,
  weeklyWindows,
} from './schema-parts.ts'

const MAX_CHANNELS = 16
const MAX_RECIPIENTS = 16

const severities = z
  .array(oneOf(SEVERITIES), { error: 'expected a list of critical, warning and info' })
  .max(SEVERITIES.length, { error: 'expected each severity once' })

/** Of every channel, whatever it speaks. */
const common = {
  name: z.string({ error: 'expected a name' }).regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/, {
    error: 'expected 1 to 32 lowercase letters, digits and hyphens',
  }),
  enabled: z.boolean({ error: 'expected true or false' }).default(true),
  severities: severities.default(['critical', 'warning']),
  events: z
    .array(oneOf(ALERT_EVENTS), { error: 'expected a list of events' })
    .max(ALERT_EVENTS.length, { error: 'expected each event once' })
    .default([...ALERT_EVENTS]),
  /** At most one message in this time; what comes meanwhile is told together in the next one. */
  throttle: duration(0, 24 * HOUR_MS, 'from 0s to 24h').default(60_000),
  /** Then nothing is sent; it is told together afterwards, without what is over by then. */
  quiet: weeklyWindows(16),
  /** Sent in quiet hours as well. */
  quietExcept: severities.default(['critical']),
}

const line = (what: string, max: number) =>
  z
    .string({ error: `expected ${what}` })
    .min(1, { error: `expected ${what}` })
    .max(max, { error: `expected ${what} of at most ${max} characters` })
    .refine((text) => !/\p{Cc}/u.test(text), { error: `expected ${what} in one line` })

const MAIL_ERROR = 'expected an address such as ops@example.org'
const mailAddress = z
  .string({ error: MAIL_ERROR })
  .max(254, { error: MAIL_ERROR })
  .regex(/^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+$/, { error: MAIL_ERROR })

const email = z
  .strictObject({
    ...common,
    kind: z.literal('email'),
    host: line('a host name', 253),
    port: z
      .int({ error: 'expected a port' })
      .min(1, { error: 'expected a port' })
      .max(65_535, { error: 'expected a port' }),
    /** `none` sends in the clear, to this machine alone. */
    security: oneOf(['tls', 'starttls', 'none']).default('starttls'),
    /** Certificates (PEM) of an authority that the system does not know. */
    caFile: filePath.optional(),
    user: line('a user name', 254).optional(),
    /** Holds the password of the user; mode 0600. */
    secretFile: filePath.optional(),
    from: mailAddress,
    to: z
      .array(mailAddress, { error: 'expected a list of addresses' })
      .min(1, { error: 'expected at least one address' })
      .max(MAX_RECIPIENTS, { error: `expected at most ${MAX_RECIPIENTS} addresses` }),
  })
  .refine(({ host, security }) => security !== 'none' || isLoopback(host), {
    error: 'expected tls or starttls for a server that is not this machine',
    path: ['security'],
  })
  .refine(({ user, secretFile }) => (user === undefined) === (secretFile === undefined), {
    error: 'expected user and secretFile together, or neither',
    path: ['user'],
  })

const CHANNELS = [
  z.strictObject({ ...common, kind: z.literal('webhook'), url: webAddress, secretFile: filePath }),
  /** One of heal-commands.yaml. */
  z.strictObject({ ...common, kind: z.literal('command'), command: line('the name of a command', 63) }),
  email,
  /** Its secretFile holds the address of the incoming webhook, which is a secret by itself. */
  z.strictObject({ ...common, kind: z.literal('slack'), secretFile: filePath }),
  z.strictObject({
    ...common,
    kind: z.literal('telegram'),
    chat: z.union([z.int(), line('the id of a chat', 64)], { error: 'expected the id of a chat' }),
    url: secureAddress.default('https://api.telegram.org'),
    secretFile: filePath,
  }),
  z.strictObject({
    ...common,
    kind: z.literal('splunk'),
    url: secureAddress,
    index: line('the name of an index', 80).optional(),
    secretFile: filePath,
  }),
  z.strictObject({
    ...common,
    kind: z.literal('datadog'),
    url: secureAddress.default('https://api.datadoghq.com'),
    tags: z
      .array(line('a tag', 200), { error: 'expected a list of tags' })
      .max(16, { error: 'expected at most 16 tags' })
      .default([]),
    secretFile: filePath,
  }),
] as const

const channel = z
  .discriminatedUnion('kind', CHANNELS, {
    error: (issue) =>
      issue.code === 'invalid_union'
        ? 'expected webhook, command, email, slack, telegram, splunk or datadog'
        : section,
  })
  .transform(({ throttle, ...rest }) => ({ ...rest, throttleMs: throttle }))

/** Whom this node tells what people should know, each way with a name of its own. */
export const alertsSchema = z
  .array(channel, { error: 'expected a list of channels' })
  .max(MAX_CHANNELS, { error: `expected at most ${MAX_CHANNELS} channels` })
  .refine((channels) => new Set(channels.map(({ name }) => name)).size === channels.length, {
    error: 'expected each name once',
  })
  .default([])

export type ChannelSettings = z.output<typeof channel>
export type SettingsOf<K extends ChannelSettings['kind']> = Extract<ChannelSettings, { kind: K }>

/** Of all kinds together. */
export const alertKeys: readonly string[] = [...new Set(CHANNELS.flatMap(({ shape }) => Object.keys(shape)))]
