import type { PeerId } from '../../domain/ids.ts'
import type { LinkFact, Picture } from '../monitor/picture.ts'
import { aboutLink, aboutNode, aboutPart, type Finding } from './finding.ts'
import type { LinkMemories, LinkMemory } from './link-memory.ts'

export interface LinkFaultDeps {
  readonly self: PeerId
  readonly now: number
  readonly picture: Picture
  readonly memories: LinkMemories
  readonly nameOf: (peer: PeerId) => string
  /** Members that are known not to answer, or to which no way leads. */
  readonly isGone: (peer: PeerId) => boolean
  /** Members of which it is not known yet whether they answer. */
  readonly isPending: (peer: PeerId) => boolean
  /** Members whose word is that they hear this node and are not heard. */
  readonly isToldOneWay: (peer: PeerId) => boolean
}

/** Links that ended so close together ended together. */
const TOGETHER_MS = 5_000
/** A bad link among several is its own; when as many are bad at once, it is what they share. */
const MOST = 0.8
/** Afterwards, a neighbour that is not dialled again is one that is not wanted any more. */
const FRESH_MS = 3_000
const SUSPECT_MS = 500
const CONGESTED_QUEUE_BYTES = 96 * 1024
const LOSSY = 0.05

const works = (state: LinkFact['state']): boolean => state === 'up' || state === 'degraded'

/** Of the links of this node: gone, silent in one direction, lossy, slow, full, restless; and all of them at once. */
export function findLinkFaults(deps: LinkFaultDeps): Finding[] {
  const uplink = findUplinkFault(deps)
  return [...(uplink === undefined ? [] : [uplink]), ...findBrokenLinks(deps), ...findWeakLinks(deps)]
}

/** Links that are in trouble now, that this node wants to have, and that were not ended because there were too many. */
export function brokenLinks({
  picture,
  memories,
  now,
}: Pick<LinkFaultDeps, 'picture' | 'memories' | 'now'>): LinkMemory[] {
  const states = new Map(picture.links.map((link) => [link.peer, link.state]))
  return memories.all().filter(({ peer, troubleAt, workedAt, farewell }) => {
    if (troubleAt === undefined || workedAt === undefined || farewell === 'full') return false
    const state = states.get(peer)
    return state === undefined ? now - troubleAt < FRESH_MS : !works(state)
  })
}

function findUplinkFault({ self, now, picture, memories }: LinkFaultDeps): Finding | undefined {
  if (picture.links.some(({ state }) => works(state))) return undefined
  const broken = brokenLinks({ picture, memories, now }).filter(({ farewell }) => farewell === undefined)
  const began = broken.map(({ troubleAt }) => troubleAt ?? now)
  const last = Math.max(...began)
  const together = began.filter((at) => last - at <= TOGETHER_MS)
  if (together.length < 2) return undefined
  return {
    ...{
      code: 'uplink-down',
      subject: aboutPart(self, 'uplink'),
      confidence: together.length > 2 ? 0.95 : 0.8,
    },
    firstSeenAt: Math.min(...together),
    text: `All ${together.length} links of this node were lost within ${Math.round((last - Math.min(...together)) / 100) / 10} s.`,
  }
}

/** A link that is suspected is often heard of again at once, the more so when this node itself was late. */
function isBrief({ picture, now }: LinkFaultDeps, { peer, troubleAt = now }: LinkMemory): boolean {
  const isDown = picture.links.find((link) => link.peer === peer)?.state !== 'suspect'
  return !isDown && now - troubleAt < SUSPECT_MS + (picture.resources?.loopLagMs ?? 0)
}

function findBrokenLinks(deps: LinkFaultDeps): Finding[] {
  const { self, now, memories, nameOf, isGone, isPending } = deps
  const findings: Finding[] = []
  for (const memory of memories.all()) {
    if (!memory.isFlapping) continue
    findings.push({
      ...{ code: 'link-flapping', subject: aboutLink(self, memory.peer), confidence: 0.9 },
      firstSeenAt: memory.troubleAt ?? now,
      text: `The link to ${nameOf(memory.peer)} has come and gone at least five times within a minute.`,
    })
  }
  for (const memory of brokenLinks(deps)) {
    const { peer, troubleAt = now, silentSide, reason } = memory
    const name = nameOf(peer)
    if (isPending(peer) || isBrief(deps, memory)) continue
    if (memory.farewell === 'stopped') {
      if (!isGone(peer)) continue
      findings.push({
        ...{ code: 'node-stopped', subject: aboutNode(peer), confidence: 0.95, firstSeenAt: troubleAt },
        text: `${name} said goodbye and stopped.`,
      })
      continue
    }
    const isOneWay = silentSide === 'there' && !isGone(peer)
    // The other end, which hears more, names the fault: then what is seen here is a consequence of it.
    if (!isOneWay && deps.isToldOneWay(peer) && !isGone(peer)) {
      findings.push({
        ...{ code: 'link-one-way', subject: aboutLink(self, peer), confidence: 0.9, firstSeenAt: troubleAt },
        text: `Nothing that ${name} sends over the direct link arrives here, while it says that it hears this node.`,
      })
    }
    findings.push({
      ...{ code: isOneWay ? 'link-one-way' : 'link-down', subject: aboutLink(self, peer) },
      ...{ confidence: 0.9, firstSeenAt: troubleAt },
      text: isOneWay
        ? `${name} is heard here and says that it hears nothing: what is sent to it over the direct link does not arrive.`
        : `The direct link to ${name} broke: ${reason}.`,
    })
  }
  return findings
}

function findWeakLinks({ self, now, picture, memories, nameOf }: LinkFaultDeps): Finding[] {
  const weak = picture.links.filter(({ state }) => state === 'degraded')
  const findings = weak.map((link): Finding => {
    const { peer, lossEstimate = 0, rttMs } = link
    const about = { subject: aboutLink(self, peer), firstSeenAt: memories.of(peer)?.troubleAt ?? now }
    const name = nameOf(peer)
    if (link.queuedBytes >= CONGESTED_QUEUE_BYTES) {
      const text = `${Math.round(link.queuedBytes / 1_024)} KiB wait to be sent to ${name}.`
      const figure = { name: 'queued', value: link.queuedBytes, unit: 'bytes', kind: 'measured' } as const
      return { code: 'link-congested', ...about, confidence: 0.7, text, figure }
    }
    if (lossEstimate >= LOSSY) {
      const text = `About ${Math.round(100 * lossEstimate)} % of what goes over the link to ${name} arrives late (estimated).`
      const figure = { name: 'loss', value: lossEstimate, unit: 'share', kind: 'estimated' } as const
      return { code: 'link-lossy', ...about, confidence: 0.8, text, figure }
    }
    const text = `The round trip to ${name} is ${rttMs === undefined ? 'far longer' : `${Math.round(rttMs)} ms, several times what it`} usually is.`
    const figure =
      rttMs === undefined
        ? {}
        : { figure: { name: 'rtt', value: rttMs, unit: 'ms', kind: 'measured' } as const }
    return { code: 'link-slow', ...about, confidence: 0.8, text, ...figure }
  })
  if (weak.length >= 2 && weak.length >= MOST * picture.links.length) {
    const firstSeenAt = Math.min(...findings.map((finding) => finding.firstSeenAt))
    const text = `${weak.length} of ${picture.links.length} links of this node became bad together.`
    findings.push({
      code: 'uplink-degraded',
      subject: aboutPart(self, 'uplink'),
      confidence: 0.8,
      firstSeenAt,
      text,
    })
  }
  return findings
}
