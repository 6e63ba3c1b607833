import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { createThreshold } from '../detect/threshold.ts'
import type { Picture, ResourceFact, Signs, Watch } from '../monitor/picture.ts'
import { createDriftWatch } from './find-drift.ts'
import { createSlowServices } from './find-slow-services.ts'
import { aboutNode, aboutPart, type Finding } from './finding.ts'

/** Faults of this node itself, of its services and of the behaviour of its peers. */
export interface OwnFaults {
  follow(watch: Watch): () => void
  find(picture: Picture): Finding[]
}

const COUNT_WINDOW_MS = 60_000
const MISBEHAVIOURS = 5
const FAILED_HANDSHAKES = 4
const MAX_COUNTED = 256
const SKEW_MS = 5_000
/** Of the time between the day of renewal and the end. */
const RENEWAL_PATIENCE = 0.5
/** Who has so much time left for it has to be found at once; lives of minutes are always that close to their end. */
const LAST_MS = 3_600_000

export function createOwnFaults(deps: {
  readonly clock: Clock
  readonly self: PeerId
  readonly nameOf: (peer: PeerId) => string
}): OwnFaults {
  const { clock, self, nameOf } = deps
  const bad = createCounts(clock)
  const failed = createCounts(clock)
  const load = createLoad()
  const since = createSince(clock)
  const slowServices = createSlowServices(nameOf)
  const drift = createDriftWatch({ now: clock.now, self, nameOf })
  let behind: { readonly until: number; readonly at: number; readonly byMs: number } | undefined

  const countFindings = (): Finding[] => [
    ...bad.above(MISBEHAVIOURS).map(
      ({ peer, count, firstAt, last }): Finding => ({
        ...{ code: 'peer-misbehaving', subject: aboutNode(peer), firstSeenAt: firstAt },
        // One witness alone is never sure about somebody else.
        confidence: Math.min(0.9, 0.4 + count / 50),
        text: `${nameOf(peer)} sent what does not verify ${count} times within a minute: ${last}.`,
        figure: { name: 'violations', value: count, unit: 'count', kind: 'measured' },
      }),
    ),
    ...failed.above(FAILED_HANDSHAKES).map(
      ({ peer, count, firstAt, last }): Finding => ({
        ...{ code: 'handshake-failing', subject: aboutNode(peer), confidence: 0.8, firstSeenAt: firstAt },
        text: `${count} handshakes with ${nameOf(peer)} failed within a minute: ${last}.`,
        figure: { name: 'failed handshakes', value: count, unit: 'count', kind: 'measured' },
      }),
    ),
  ]

  return {
    follow({ signs }) {
      const offs = [
        signs.on('misbehaved', ({ peer, what }) => bad.note(peer, what)),
        signs.on('handshakeFailed', ({ peer, why }) => failed.note(peer, why)),
        signs.on('clockBehind', ({ byMs }) => {
          behind = { at: clock.now(), until: clock.now() + byMs, byMs }
        }),
      ]
      return () => {
        for (const off of offs) off()
      }
    },
    find(picture) {
      const own = [
        ...certificateFindings(picture, self, clock.now()),
        ...clockFindings(picture, self, nameOf),
        ...serviceFindings(picture, nameOf),
        ...slowServices(picture),
        ...drift(picture),
        ...versionFindings(picture),
      ]
      if (behind !== undefined && clock.now() < behind.until) {
        const text = `The clock of this machine is ${Math.round(behind.byMs / 1_000)} s behind a time that has passed.`
        own.push({
          code: 'clock-skew',
          subject: aboutPart(self, 'clock'),
          confidence: 0.95,
          firstSeenAt: behind.at,
          text,
        })
      }
      const overload = load(picture.resources)
      if (overload !== undefined) {
        own.push({
          code: 'node-overloaded',
          subject: aboutPart(self, 'resources'),
          confidence: 0.85,
          firstSeenAt: clock.now(),
          text: overload,
        })
      }
      if (picture.storeFault !== undefined) {
        const text = `The store cannot be written: ${picture.storeFault}.`
        own.push({
          code: 'store-fault',
          subject: aboutPart(self, 'store'),
          confidence: 0.95,
          firstSeenAt: clock.now(),
          text,
        })
      }
      return since([...own, ...countFindings()])
    },
  }
}

/** Gives each finding the time at which it was first made, as long as it is made again and again. */
function createSince(clock: Clock): (findings: Finding[]) => Finding[] {
  let known = new Map<string, number>()
  return (findings) => {
    const next = new Map<string, number>()
    const dated = findings.map((finding) => {
      const key = `${finding.code} ${JSON.stringify(finding.subject)}`
      const at = Math.min(known.get(key) ?? clock.now(), finding.firstSeenAt)
      next.set(key, at)
      return { ...finding, firstSeenAt: at }
    })
    known = next
    return dated
  }
}

interface Count {
  readonly peer: PeerId
  readonly count: number
  readonly firstAt: number
  readonly last: string
}

/** Events per peer within a window; an attacker can make many of them, but not much memory. */
function createCounts(clock: Clock) {
  const counts = new Map<PeerId, { times: number[]; last: string }>()
  const MAX_TIMES = 200
  return {
    note(peer: Signs['misbehaved']['peer'], last: string): void {
      const one = counts.get(peer) ?? { times: [], last }
      one.times.push(clock.now())
      if (one.times.length > MAX_TIMES) one.times.shift()
      one.last = last.slice(0, 200)
      counts.set(peer, one)
      const [oldest] = counts.keys()
      if (oldest !== undefined && counts.size > MAX_COUNTED) counts.delete(oldest)
    },
    above(limit: number): Count[] {
      const from = clock.now() - COUNT_WINDOW_MS
      return [...counts].flatMap(([peer, one]) => {
        one.times = one.times.filter((at) => at >= from)
        if (one.times.length === 0) counts.delete(peer)
        const [firstAt] = one.times
        return firstAt === undefined || one.times.length < limit
          ? []
          : [{ peer, count: one.times.length, firstAt, last: one.last }]
      })
    },
  }
}

function certificateFindings({ certificate, standing }: Picture, self: PeerId, now: number): Finding[] {
  const about = { subject: aboutPart(self, 'certificate'), confidence: 1, firstSeenAt: now }
  if (standing === 'expired' || standing === 'unknown') {
    return [{ code: 'certificate-expired', ...about, text: 'The certificate of this node has expired.' }]
  }
  if (certificate === undefined || standing !== 'member') return []
  const leftMs = certificate.expiresAt - now
  const spareMs = certificate.expiresAt - certificate.renewalDueAt
  if (leftMs >= spareMs * RENEWAL_PATIENCE) return []
  const text = `The certificate of this node ends in ${Math.round(leftMs / 1_000)} s and was not renewed.`
  const severity = leftMs <= LAST_MS && spareMs > LAST_MS ? 'critical' : 'warning'
  return [{ code: 'certificate-expiring', severity, ...about, text }]
}

/** When most neighbours' clocks differ alike it is this node's that is wrong. */
function clockFindings({ links }: Picture, self: PeerId, nameOf: (peer: PeerId) => string): Finding[] {
  const measured = links.filter(({ clockOffsetMs }) => clockOffsetMs !== undefined)
  const off = measured.filter(({ clockOffsetMs = 0 }) => Math.abs(clockOffsetMs) >= SKEW_MS)
  const finding = (peer: PeerId, offsetMs: number, text: string): Finding => ({
    ...{ code: 'clock-skew', subject: aboutPart(peer, 'clock'), confidence: 0.8 },
    ...{ firstSeenAt: Number.POSITIVE_INFINITY, text },
    figure: { name: 'clock offset', value: Math.round(offsetMs), unit: 'ms', kind: 'measured' },
  })
  if (off.length >= 2 && off.length > measured.length / 2) {
    const offsetMs = off[0]?.clockOffsetMs ?? 0
    const text = `The clock of this machine differs by ${Math.round(-offsetMs / 1_000)} s from those of ${off.length} neighbours.`
    return [finding(self, -offsetMs, text)]
  }
  return off.map(({ peer, clockOffsetMs = 0 }) =>
    finding(
      peer,
      clockOffsetMs,
      `The clock of ${nameOf(peer)} differs by ${Math.round(clockOffsetMs / 1_000)} s from this one.`,
    ),
  )
}

const serviceFindings = ({ services }: Picture, nameOf: (peer: PeerId) => string): Finding[] =>
  services
    .filter(({ state, concerns }) => state === 'unhealthy' && concerns)
    .map(({ name, provider, detail }) => ({
      ...{ code: 'service-down', subject: { kind: 'service', name, provider }, confidence: 0.9 },
      firstSeenAt: Number.POSITIVE_INFINITY,
      text: `The check of ${name} at ${nameOf(provider)} fails${detail === undefined ? '' : `: ${detail}`}.`,
    }))

function versionFindings({ members, version }: Picture): Finding[] {
  const others = new Set(members.flatMap((member) => member.version ?? []).filter((one) => one !== version))
  if (others.size === 0) return []
  const text = `This node runs ${version}, others run ${[...others].sort().slice(0, 4).join(', ')}.`
  return [
    {
      code: 'version-skew',
      subject: { kind: 'mesh' },
      confidence: 1,
      firstSeenAt: Number.POSITIVE_INFINITY,
      text,
    },
  ]
}

/** Samples are a second apart; a short burst of work is no overload. */
const LOAD_SAMPLES = 5

function createLoad(): (resources: ResourceFact | undefined) => string | undefined {
  const cpu = createThreshold({ enter: 0.95, leave: 0.8, samples: LOAD_SAMPLES })
  const machine = createThreshold({ enter: 0.97, leave: 0.9, samples: 3 * LOAD_SAMPLES })
  const lag = createThreshold({ enter: 400, leave: 150, samples: LOAD_SAMPLES })
  const memory = createThreshold({ enter: 0.03, leave: 0.06, samples: 2 })
  const descriptors = createThreshold({ enter: 0.9, leave: 0.8 })
  const disk = createThreshold({ enter: 0.02, leave: 0.04 })
  let last: ResourceFact | undefined
  let text: string | undefined
  return (resources) => {
    if (resources === undefined || resources === last) return text
    last = resources
    const percent = (share: number): string => `${Math.round(100 * share)} %`
    const used = (resources.descriptors ?? 0) / (resources.descriptorLimit ?? Number.POSITIVE_INFINITY)
    const all: [boolean, string][] = [
      [
        cpu.update({ at: 0, value: resources.cpuShare }) > 0,
        `it uses ${percent(resources.cpuShare)} of a core`,
      ],
      [
        lag.update({ at: 0, value: resources.loopLagMs }) > 0,
        `its event loop is ${Math.round(resources.loopLagMs)} ms late`,
      ],
      [
        memory.update({ at: 0, value: resources.freeMemoryShare }) > 0,
        `${percent(resources.freeMemoryShare)} of the memory is free`,
      ],
      [
        disk.update({ at: 0, value: resources.freeDiskShare ?? Number.NaN }) > 0,
        `${percent(resources.freeDiskShare ?? 0)} of the disk of its home is free`,
      ],
      [descriptors.update({ at: 0, value: used }) > 0, `${percent(used)} of its descriptors are in use`],
    ]
    // A busy machine alone is no fault of the node: only together with a loop that is late.
    const isBusy = machine.update({ at: 0, value: resources.machineShare }) > 0 && resources.loopLagMs > 100
    if (isBusy) all.push([true, `the machine is busy to ${percent(resources.machineShare)}`])
    const reasons = all.filter(([is]) => is).map(([, reason]) => reason)
    text = reasons.length === 0 ? undefined : `This node is overloaded: ${reasons.join(', ')}.`
    return text
  }
}
