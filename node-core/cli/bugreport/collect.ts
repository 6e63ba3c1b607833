import { open } from 'node:fs/promises'
import { cpus, freemem, homedir, hostname, loadavg, release, totalmem, uptime } from 'node:os'
import { join } from 'node:path'
import { prometheusText } from '../../contract/prometheus-text.ts'
import { PRODUCT_VERSION } from '../../contract/version.ts'
import { messageOf } from '../../platform/error.ts'
import { currentUserName } from '../../platform/user.ts'
import { CALL_MS, type CliContext } from '../context.ts'
import { errnoOf } from '../fault.ts'
import { type Anonymiser, createAnonymiser, type Identifier } from './anonymiser.ts'

export interface ReportFile {
  readonly name: string
  /** In a line, for whoever decides whether to give it away. */
  readonly about: string
  readonly text: string
}

const LOG_BYTES = 1024 * 1024
const INCIDENTS = 100

/** One that changes nothing, and takes up nothing but its text. */
const AS_IT_IS: Anonymiser = { text: (raw) => raw, json: (value) => value }

interface Part {
  readonly name: string
  readonly about: string
  read(): Promise<unknown>
}

/** What is asked of the node; none of it holds a key, a token or a passphrase. */
function partsOf(context: CliContext): Part[] {
  const client = context.connect(context.timeoutMs ?? CALL_MS)
  const part = (name: string, about: string, read: () => Promise<unknown>): Part => ({ name, about, read })
  return [
    part('version', 'versions of the node and of its Node.js', () => client.node.version()),
    part('status', 'what x0t status shows, with services and local ports', () => client.node.status()),
    part('members', 'members, their roles, versions and certificates', () => client.members.list()),
    part('links', 'links to neighbours, with what is measured', () => client.links.list()),
    part('routes', 'the ways to all members', () => client.routes.list({ node: null })),
    part('incidents', 'incidents, also past ones', () =>
      client.incidents.list({ open: null, limit: INCIDENTS }),
    ),
    part('heal', 'what the repair loop does', () => client.heal.status()),
    part('plans', 'repairs, also past ones', () => client.plans.list({ waiting: false })),
    part('config', 'settings, services and local ports; no secrets', () => client.config.show()),
    part('alerts', 'alert channels and how they go', () => client.alerts.list()),
    part('flags', 'feature flags of the policy', () => client.policy.flags()),
  ]
}

const systemFacts = () => ({
  x0t: PRODUCT_VERSION,
  node: process.versions.node,
  system: `${process.platform} ${release()} ${process.arch}`,
  processors: cpus().length,
  memoryBytes: { total: totalmem(), free: freemem() },
  load: loadavg(),
  uptimeS: Math.round(uptime()),
})

/** Reads what a report is made of. What cannot be read is named in it, and is no reason for no report. */
export async function collectReport(context: CliContext, isAnonymous: boolean): Promise<ReportFile[]> {
  const documents = new Map<string, { readonly about: string; readonly value: unknown }>()
  const missing: string[] = []
  for (const { name, about, read } of partsOf(context)) {
    try {
      documents.set(name, { about, value: await read() })
    } catch (error) {
      missing.push(`${name}: ${messageOf(error)}`)
    }
  }
  const values = [...documents.values()].map(({ value }) => value)
  const hide = isAnonymous ? createAnonymiser([...ownNames(context), ...namesIn(values)]) : AS_IT_IS
  const files: ReportFile[] = [
    { name: 'system.json', about: 'this machine: system, memory, load', text: pretty(systemFacts()) },
    ...[...documents].map(([name, { about, value }]) => ({
      ...{ name: `${name}.json`, about, text: pretty(hide.json(value)) },
    })),
  ]
  try {
    const { metrics } = await context.connect(context.timeoutMs ?? CALL_MS).metrics.show()
    const about = 'the figures of x0t metrics'
    files.push({ name: 'metrics.txt', about, text: hide.text(prometheusText(metrics)) })
  } catch (error) {
    missing.push(`metrics: ${messageOf(error)}`)
  }
  const log = await tailOf(join(context.paths.logs, 'x0t.log'))
  if (log === undefined) missing.push('log: there is none')
  else files.push({ name: 'x0t.log', about: 'the end of the log', text: logText(log, hide) })
  if (missing.length > 0) {
    const text = `${missing.map(hide.text).join('\n')}\n`
    files.push({ name: 'missing.txt', about: 'what could not be read, and why', text })
  }
  return files
}

const pretty = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`

/** Each line is a document; what is not one, cut off by a crash perhaps, is text. */
function logText(log: string, hide: Anonymiser): string {
  return log
    .split('\n')
    .map((line) => {
      try {
        return JSON.stringify(hide.json(JSON.parse(line)))
      } catch {
        return hide.text(line)
      }
    })
    .join('\n')
}

async function tailOf(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      const start = Math.max(0, size - LOG_BYTES)
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start)
      const text = buffer.subarray(0, bytesRead).toString('utf8')
      // The first line is not whole where the file is longer.
      return start === 0 ? text : text.slice(text.indexOf('\n') + 1)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function ownNames({ paths }: CliContext): Identifier[] {
  return [
    { kind: 'home', value: paths.root },
    { kind: 'folder', value: homedir() },
    { kind: 'host', value: hostname() },
    { kind: 'user', value: currentUserName() },
  ]
}

/** By which field a text names something; each is then replaced wherever it stands. */
const NAMING_FIELDS: Readonly<Record<string, string>> = {
  ...{ node: 'node', peer: 'peer', peerId: 'peer', mesh: 'mesh', meshId: 'mesh', meshName: 'mesh' },
  ...{ service: 'service', host: 'host', target: 'target' },
}
/** Whose `name` it is shows in what else is there. */
const NAME_KINDS: readonly (readonly [field: string, kind: string])[] = [
  ['target', 'service'],
  ['peer', 'node'],
  ['peerId', 'node'],
  ['throttleMs', 'channel'],
]

function namesIn(value: unknown): Identifier[] {
  if (Array.isArray(value)) return value.flatMap(namesIn)
  if (typeof value !== 'object' || value === null) return []
  const kind = NAME_KINDS.find(([field]) => field in value)?.[1]
  return Object.entries(value).flatMap(([field, inner]): Identifier[] => {
    if (typeof inner !== 'string') return namesIn(inner)
    const named = field === 'name' ? kind : NAMING_FIELDS[field]
    return named === undefined ? [] : [{ kind: named, value: inner }]
  })
}
