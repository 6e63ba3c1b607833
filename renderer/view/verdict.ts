import type { TopicItem } from '../../node-core/contract/events-schemas.ts'
import type { Translate } from '../text/text.ts'
import type { Tone } from '../ui/tones.ts'

export interface Verdict {
  readonly tone: Tone
  readonly sentence: string
}

export interface VerdictFacts {
  readonly node: TopicItem<'node'>
  readonly links: readonly TopicItem<'links'>[]
  readonly members: readonly TopicItem<'members'>[]
  /** Incidents that are not over; undefined where they could not be read. */
  readonly incidents: readonly { readonly severity: 'critical' | 'warning' | 'info' }[] | undefined
  /** Plans that wait for a person. */
  readonly waiting: number
}

/** One sentence about the mesh as this node sees it, the worst news first. */
export function verdictOf(facts: VerdictFacts, t: Translate): Verdict {
  const { node } = facts
  if (node.state === 'revoked' || node.state === 'expired') {
    return { tone: 'bad', sentence: t(`verdict.${node.state}`, { name: node.name }) }
  }
  if (node.state !== 'up')
    return { tone: 'attention', sentence: t(`verdict.${node.state}`, { name: node.name }) }
  const parts = troubles(facts, t)
  const waits = facts.waiting > 0 ? [t('verdict.waiting', { n: facts.waiting })] : []
  const [first] = parts
  if (first === undefined) {
    const good = wellText(facts, t)
    if (waits.length === 0) return good
    return { tone: 'attention', sentence: sentenceOf(waits) }
  }
  const tone = parts.some((part) => part.tone === 'bad') ? 'bad' : first.tone
  return { tone, sentence: sentenceOf([...parts.map(({ text }) => text), ...waits]) }
}

const MAX_PARTS = 3

interface Trouble {
  readonly tone: Tone
  readonly text: string
}

function troubles({ node, links, members, incidents = [] }: VerdictFacts, t: Translate): readonly Trouble[] {
  const found: Trouble[] = []
  const open = incidents.filter(({ severity }) => severity !== 'info')
  if (open.length > 0) {
    const critical = open.some(({ severity }) => severity === 'critical')
    found.push({ tone: critical ? 'bad' : 'attention', text: t('verdict.incidents', { n: open.length }) })
  }
  const all = links.length
  const down = links.filter(({ state }) => state === 'down').length
  const weak = links.filter(({ state }) => state === 'degraded' || state === 'suspect').length
  if (all > 0 && down === all) found.push({ tone: 'bad', text: t('verdict.cutOff', { name: node.name }) })
  else if (down > 0) found.push({ tone: 'bad', text: t('verdict.down', { bad: down, all }) })
  if (weak > 0) found.push({ tone: 'attention', text: t('verdict.weak', { bad: weak, all }) })
  const away = members.filter(({ standing, reachable, self }) => standing === 'member' && !self && !reachable)
  if (away.length > 0) {
    found.push({ tone: 'bad', text: t('verdict.unreachable', { bad: away.length, all: members.length }) })
  }
  const worry = node.health.find(({ severity }) => severity !== 'info')
  if (found.length === 0 && worry !== undefined) {
    found.push({ tone: worry.impactsConnectivity ? 'bad' : 'attention', text: worry.title })
  }
  return found.slice(0, MAX_PARTS)
}

function wellText({ node, links, members }: VerdictFacts, t: Translate): Verdict {
  const others = members.filter(({ standing, self }) => standing === 'member' && !self).length
  if (others === 0) return { tone: 'unknown', sentence: t('verdict.alone', { name: node.name }) }
  if (links.length === 0) return { tone: 'unknown', sentence: t('verdict.unlinked', { name: node.name }) }
  return { tone: 'good', sentence: t('verdict.good', { links: links.length, nodes: others + 1 }) }
}

function sentenceOf(parts: readonly string[]): string {
  const text = parts.map((part) => part.replace(/\.$/, '')).join('; ')
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`
}
