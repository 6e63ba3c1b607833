import { TOPIC_KEYS, type Topic, type TopicItem } from '../../contract/events-schemas.ts'
import { createTopicLog, type TopicLog } from '../../control/events/topic-log.ts'
import { incidentItem } from '../api/incident-operations.ts'
import { buildStatus } from '../api/status.ts'
import { forwardView, linkDetail, memberDetail, serviceView, socksView } from '../api/views.ts'
import type { NodeParts } from '../node-parts.ts'

const MAX_INCIDENTS = 100

/** Everything that can be followed, read from the parts of a running node. */
export function topicLogs(parts: NodeParts): Readonly<Record<Topic, TopicLog>> {
  const { links, routing, membership, services, clock } = parts
  return {
    node: createTopicLog({
      items: () => [nodeItem(parts)],
      key: TOPIC_KEYS.node,
      event: (head, set) => ({ topic: 'node', ...head, set }),
    }),
    links: createTopicLog({
      items: () =>
        links
          .links()
          .flatMap((link) => linkDetail(parts, link))
          .map(({ sinceMs, ...link }) => ({ ...link, sinceAt: before(clock.now(), sinceMs) })),
      key: TOPIC_KEYS.links,
      fingerprint: ({ sinceAt: _sinceAt, ...link }) => ({
        ...link,
        rttMs: roughly(link.rttMs),
        jitterMs: roughly(link.jitterMs),
        clockOffsetMs: roughly(link.clockOffsetMs),
        lossEstimate: link.lossEstimate === null ? null : Math.round(link.lossEstimate * 100),
      }),
      event: (head, set) => ({ topic: 'links', ...head, set }),
      watch: (changed) => links.events.on('stateChanged', changed),
    }),
    members: createTopicLog({
      items: () =>
        membership
          .members()
          .flatMap((member) => memberDetail(parts, member))
          .map(({ seenMs, ...member }) => ({
            ...member,
            seenAt: seenMs === null ? null : before(clock.now(), seenMs),
          })),
      key: TOPIC_KEYS.members,
      fingerprint: ({ seenAt: _seenAt, ...member }) => member,
      event: (head, set) => ({ topic: 'members', ...head, set }),
      watch: (changed) => {
        const offs = [
          membership.events.on('memberChanged', changed),
          membership.events.on('expelled', changed),
          routing.events.on('changed', changed),
        ]
        return () => {
          for (const off of offs) off()
        }
      },
    }),
    services: createTopicLog({
      items: () => services.services().map(serviceView),
      key: TOPIC_KEYS.services,
      event: (head, set) => ({ topic: 'services', ...head, set }),
    }),
    forwards: createTopicLog({
      items: () => services.forwards().map(forwardView),
      key: TOPIC_KEYS.forwards,
      event: (head, set) => ({ topic: 'forwards', ...head, set }),
    }),
    socks: createTopicLog({
      items: () => services.socksPorts().map(socksView),
      key: TOPIC_KEYS.socks,
      event: (head, set) => ({ topic: 'socks', ...head, set }),
    }),
    flows: createTopicLog({
      items: () => services.flows().map((flow) => ({ ...flow, id: String(flow.id) })),
      key: TOPIC_KEYS.flows,
      event: (head, set) => ({ topic: 'flows', ...head, set }),
    }),
    incidents: createTopicLog({
      // What is over stays for a while, so that a reader sees how it ended.
      items: () => parts.incidents.list({ limit: MAX_INCIDENTS }).map((one) => incidentItem(parts, one)),
      key: TOPIC_KEYS.incidents,
      event: (head, set) => ({ topic: 'incidents', ...head, set }),
      watch: (changed) => parts.incidents.events.on('changed', changed),
    }),
  }
}

function nodeItem(parts: NodeParts): TopicItem<'node'> {
  const { node, health } = buildStatus(parts)
  return { ...node, startedAt: parts.startedAt, health }
}

const before = (now: number, agoMs: number): number => Math.max(0, Math.round(now - agoMs))

/** To about a tenth: a measurement that wavers is no news. */
function roughly(value: number | null): number | null {
  if (value === null || value === 0) return value
  const step = 10 ** Math.floor(Math.log10(Math.abs(value))) / 5
  return Math.round(value / step) * step
}
