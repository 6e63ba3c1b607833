import { isIP } from 'node:net'
import { isAbsolute } from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { z } from 'zod'
import { parsePeerId } from '../../domain/ids.ts'
import { OTLP_SIGNALS } from '../telemetry/signals.ts'
import { alertKeys, alertsSchema } from './alert-schema.ts'
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
  whole,
} from './schema-parts.ts'

const MIN_LIFETIME_MS = 10_000
const MAX_LIFETIME_MS = 366 * 24 * HOUR_MS
const MAX_LISTEN_ADDRESSES = 16
const MAX_PEER_ADDRESSES = 64

/** The host, port and peer of a TCP multiaddr; `undefined` for any other. */
function tcpParts(raw: string): { host: string; port: number; peer: string | undefined } | undefined {
  try {
    const [first, tcp, p2p, ...rest] = multiaddr(raw).getComponents()
    if (first?.value === undefined || tcp?.name !== 'tcp' || rest.length > 0) return undefined
    if (!['ip4', 'ip6', 'dns', 'dns4', 'dns6'].includes(first.name)) return undefined
    if (p2p !== undefined && (p2p.name !== 'p2p' || parsePeerId(p2p.value ?? '') === undefined))
      return undefined
    return { host: first.value, port: Number(tcp.value), peer: p2p?.value }
  } catch {
    // The library throws for what is no multiaddr; the message of the schema says what is expected.
    return undefined
  }
}

const LISTEN_ERROR = 'expected an address to listen on such as /ip4/0.0.0.0/tcp/0 or /ip6/::/tcp/4100'
const listenAddress = z.string({ error: LISTEN_ERROR }).refine(
  (raw) => {
    const parts = tcpParts(raw)
    return parts !== undefined && isIP(parts.host) !== 0 && parts.peer === undefined
  },
  { error: LISTEN_ERROR },
)

const PEER_ERROR =
  'expected the address of a node such as /ip4/192.0.2.1/tcp/4100 or /dns/node.example/tcp/4100'
const peerAddress = z.string({ error: PEER_ERROR }).refine(
  (raw) => {
    const parts = tcpParts(raw)
    return parts !== undefined && parts.port > 0
  },
  { error: PEER_ERROR },
)

const ANNOUNCE_ERROR = 'expected auto, or a list of addresses such as /dns/node.example/tcp/4100'
const announceAddress = z.string({ error: ANNOUNCE_ERROR }).refine(
  (raw) => {
    const parts = tcpParts(raw)
    return parts !== undefined && parts.port > 0 && parts.peer === undefined
  },
  { error: ANNOUNCE_ERROR },
)

const logSchema = z.strictObject(
  {
    level: oneOf(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
    /** One log file is full at this size. */
    maxSizeMb: whole(1, 1024, 'megabytes').default(10),
    /** Files kept in all, with the one that is written. */
    keep: whole(2, 100, 'files').default(5),
  },
  { error: section },
)

const certificatesSchema = z.strictObject(
  {
    /** Of the certificates that this node issues. Less than some hours is for drills: it is what an issuer may be away. */
    lifetime: duration(MIN_LIFETIME_MS, MAX_LIFETIME_MS, 'from 10s to 366d').default(7 * 24 * HOUR_MS),
    /** The part of its life after which the certificate of this node is renewed. */
    renewAt: z
      .number({ error: 'expected a number from 0.1 to 0.9' })
      .min(0.1, { error: 'expected a number from 0.1 to 0.9' })
      .max(0.9, { error: 'expected a number from 0.1 to 0.9' })
      .default(1 / 3),
  },
  { error: section },
)

const linksSchema = z
  .strictObject(
    {
      /** The node looks for neighbours until it has this many. */
      min: whole(1, 32, 'links').default(3),
      max: whole(1, 64, 'links').default(8),
    },
    { error: section },
  )
  .refine((links) => links.min <= links.max, { error: 'expected min to be at most max', path: ['min'] })

const discoverySchema = z.strictObject(
  {
    /** Whether members on the same LAN are looked for; without it, where the node listens on a LAN. */
    lan: z.boolean({ error: 'expected true or false' }).optional(),
  },
  { error: section },
)

const CONSOLE_LISTEN_ERROR = 'expected HOST:PORT, for example 127.0.0.1:0 (0 for any free port)'

/** `127.0.0.1:7071`, `[::1]:0`: an address and not a name, so that what it means cannot change. */
const consoleListen = z.string({ error: CONSOLE_LISTEN_ERROR }).transform((raw, context) => {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+|localhost)):([0-9]{1,5})$/.exec(raw)
  const host = match?.[1] ?? match?.[2] ?? ''
  const port = Number(match?.[3])
  if (match !== null && port <= 65_535 && (host === 'localhost' || isIP(host) !== 0)) {
    return { host: host === 'localhost' ? '127.0.0.1' : host, port }
  }
  context.addIssue({ code: 'custom', message: CONSOLE_LISTEN_ERROR })
  return z.NEVER
})

const pemPath = z
  .string({ error: 'expected the path of a PEM file' })
  .refine((path) => isAbsolute(path), { error: 'expected an absolute path of a PEM file' })

const consoleSchema = z
  .strictObject(
    {
      enabled: z.boolean({ error: 'expected true or false' }).default(true),
      /** At the node's start, or when somebody first asks for a link with x0t console. */
      start: oneOf(['on-demand', 'always']).default('on-demand'),
      listen: consoleListen.prefault('127.0.0.1:0'),
      tls: z
        .strictObject(
          { cert: pemPath, key: pemPath },
          { error: 'expected a section with cert and key in it' },
        )
        .optional(),
      /** Names besides its address under which the console is reached. */
      hosts: z
        .array(
          z
            .string({ error: 'expected a host name' })
            .regex(/^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/, { error: 'expected a host name' }),
          { error: 'expected a list of host names' },
        )
        .max(16, { error: 'expected at most 16 host names' })
        .default([]),
      /** A session that asks for nothing ends after this time. */
      idle: duration(60_000, 24 * HOUR_MS, 'from 1m to 24h').default(HOUR_MS / 2),
      /** A session ends after this time, whatever it does. */
      lifetime: duration(60_000, 7 * 24 * HOUR_MS, 'from 1m to 7d').default(12 * HOUR_MS),
    },
    { error: section },
  )
  .refine(({ listen, tls }) => isLoopback(listen.host) || tls !== undefined, {
    error: 'expected a certificate (console.tls) for an address that others can reach',
    path: ['listen'],
  })

const healSchema = z.strictObject(
  {
    /** Actions of this node's loop; more are held back. */
    actionsPerMinute: whole(1, 1_000, 'actions').default(30),
    actionsPerHour: whole(1, 10_000, 'actions').default(300),
    /** How long a person has to decide about a plan before it is denied. */
    approval: duration(60_000, 24 * HOUR_MS, 'from 1m to 24h').default(15 * 60_000),
    /** When playbooks that wait for it may run. */
    maintenance: weeklyWindows(32),
    /** Told what people should know; the key of its signature stands in a file of its own with mode 0600. */
    webhook: z
      .strictObject(
        { url: webAddress, secretFile: filePath },
        { error: 'expected a section with url and secretFile in it' },
      )
      .optional(),
  },
  { error: section },
)

const DAY_MS = 24 * HOUR_MS
const knowledgeSchema = z.strictObject(
  {
    /** How long samples are kept as they came, by the minute and by the hour. */
    raw: duration(HOUR_MS, 30 * DAY_MS, 'from 1h to 30d').default(DAY_MS),
    minutes: duration(DAY_MS, 366 * DAY_MS, 'from 1d to 366d').default(30 * DAY_MS),
    hours: duration(DAY_MS, 3_660 * DAY_MS, 'from 1d to 3660d').default(365 * DAY_MS),
    /** Of the file of series; beyond it the oldest samples go first. */
    maxSizeMb: whole(8, 65_536, 'megabytes').default(256),
    maxSeries: whole(64, 65_536, 'series').default(2_048),
  },
  { error: section },
)

const AVAILABILITY_ERROR = 'expected a percentage above 0 and below 100 such as 99.9'
const sloSchema = z.strictObject(
  {
    /** Percent of the other members that are reached, over time. */
    availability: z
      .number({ error: AVAILABILITY_ERROR })
      .gt(0, { error: AVAILABILITY_ERROR })
      .lt(100, { error: AVAILABILITY_ERROR })
      .default(99.9),
    /** From first evidence to verified delivery. */
    mttr: duration(100, DAY_MS, 'from 100ms to 1d').default(30_000),
    window: duration(HOUR_MS, 366 * DAY_MS, 'from 1h to 366d').default(30 * DAY_MS),
  },
  { error: section },
)

const metricsSchema = z
  .strictObject(
    {
      /** An endpoint for Prometheus: GET /metrics. */
      enabled: z.boolean({ error: 'expected true or false' }).default(false),
      listen: consoleListen.prefault('127.0.0.1:9464'),
      /** A collector of OpenTelemetry that gets the same figures and, where wanted, traces and log lines, over HTTP. */
      otlp: z
        .strictObject(
          {
            url: secureAddress,
            /** Holds a bearer token; mode 0600. */
            secretFile: filePath.optional(),
            every: duration(5_000, HOUR_MS, 'from 5s to 1h').default(60_000),
            /** What is sent: figures, what the node did, the lines of its log. */
            signals: z
              .array(oneOf(OTLP_SIGNALS), { error: 'expected a list of metrics, traces and logs' })
              .min(1, { error: 'expected at least one of metrics, traces and logs' })
              .max(OTLP_SIGNALS.length, { error: 'expected each of metrics, traces and logs once' })
              .default(['metrics']),
          },
          { error: 'expected a section with url in it' },
        )
        .transform(({ every, ...rest }) => ({ ...rest, everyMs: every }))
        .optional(),
    },
    { error: section },
  )
  .refine(({ listen }) => isLoopback(listen.host), {
    error:
      'expected an address of this machine such as 127.0.0.1:9464; x0t expose carries it to other members',
    path: ['listen'],
  })

/** `x0t.yaml`, version 1. Strict: a setting with a typing error must not be a setting that is ignored. */
export const configSchema = z.strictObject(
  {
    version: z
      .literal(1, { error: 'expected 1, the only version of this file that this x0t knows' })
      .default(1),
    listen: z
      .array(listenAddress, { error: 'expected a list of addresses' })
      .max(MAX_LISTEN_ADDRESSES, { error: `expected at most ${MAX_LISTEN_ADDRESSES} addresses` })
      .default(['/ip4/0.0.0.0/tcp/0']),
    /** Where the other members are told that this node is: by itself, or exactly here; an empty list tells nobody. */
    announce: z
      .union(
        [
          z.literal('auto'),
          z
            .array(announceAddress)
            .max(MAX_LISTEN_ADDRESSES, { error: `expected at most ${MAX_LISTEN_ADDRESSES} addresses` }),
        ],
        { error: ANNOUNCE_ERROR },
      )
      .default('auto'),
    peers: z
      .array(peerAddress, { error: 'expected a list of addresses' })
      .max(MAX_PEER_ADDRESSES, { error: `expected at most ${MAX_PEER_ADDRESSES} addresses` })
      .default([]),
    log: logSchema.prefault({}),
    certificates: certificatesSchema
      .transform(({ lifetime, renewAt }) => ({ lifetimeMs: lifetime, renewAt }))
      .prefault({}),
    links: linksSchema.prefault({}),
    discovery: discoverySchema.prefault({}),
    heal: healSchema.transform(({ approval, ...rest }) => ({ ...rest, approvalMs: approval })).prefault({}),
    knowledge: knowledgeSchema
      .transform(({ raw, minutes, hours, ...limits }) => ({
        ...{ rawMs: raw, minuteMs: minutes, hourMs: hours },
        ...limits,
      }))
      .prefault({}),
    slo: sloSchema
      .transform(({ availability, mttr, window }) => ({
        ...{ availability: availability / 100, mttrMs: mttr, windowMs: window },
      }))
      .prefault({}),
    alerts: alertsSchema,
    metrics: metricsSchema.prefault({}),
    console: consoleSchema
      .transform(({ idle, lifetime, ...rest }) => ({ ...rest, idleMs: idle, lifetimeMs: lifetime }))
      .prefault({}),
  },
  { error: 'expected settings, one "name: value" in a line' },
)

export type Config = z.output<typeof configSchema>

/** The settings of each section, to say what a wrong one could have meant. The empty name is the file itself. */
export const KNOWN_KEYS: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(configSchema.shape),
  log: Object.keys(logSchema.shape),
  certificates: Object.keys(certificatesSchema.shape),
  links: Object.keys(linksSchema.shape),
  discovery: Object.keys(discoverySchema.shape),
  knowledge: Object.keys(knowledgeSchema.shape),
  slo: Object.keys(sloSchema.shape),
  console: Object.keys(consoleSchema.shape),
  heal: Object.keys(healSchema.shape),
  alerts: alertKeys,
  metrics: Object.keys(metricsSchema.shape),
}
