import type { NodeStatus } from '../../bridge/status.ts'

import type { Tone } from '../../ui/state-mark.tsx'

export interface Verdict {
  readonly tone: Tone
  readonly sentence: string
}

/** One sentence about the node and its links, the worst news first. */
export function verdictOf(status: NodeStatus): Verdict {
  const { node, links, health } = status
  if (node.state === 'expired' || node.state === 'revoked') {
    return { tone: 'bad', sentence: `${node.name} is no longer a member: its certificate is ${node.state}.` }
  }
  if (node.state !== 'up') return { tone: 'attention', sentence: `${node.name} is ${node.state}.` }

  const cut = health.find((item) => item.impactsConnectivity)
  if (cut !== undefined) return { tone: 'bad', sentence: sentenceOf(cut.title) }
  if (links.length === 0) {
    return { tone: 'unknown', sentence: `${node.name} runs alone: it is linked to no other node.` }
  }
  const down = links.filter((link) => link.state === 'down').length
  if (down === links.length) {
    return { tone: 'bad', sentence: `${node.name} reaches nobody: ${countOf(down, links.length)} down.` }
  }
  const weak = links.filter((link) => link.state !== 'up').length
  if (weak > 0) {
    return { tone: down > 0 ? 'bad' : 'attention', sentence: `${countOf(weak, links.length)} not well.` }
  }
  const warning = health.find((item) => item.severity !== 'info')
  if (warning !== undefined) return { tone: 'attention', sentence: sentenceOf(warning.title) }
  const all = links.length === 1 ? 'its one link is up' : `all ${links.length} links are up`
  return { tone: 'good', sentence: `${node.name} is well: ${all}.` }
}

function countOf(some: number, all: number): string {
  const verb = some === 1 ? 'is' : 'are'
  return all === 1 ? `its one link ${verb}` : `${some} of ${all} links ${verb}`
}

function sentenceOf(title: string): string {
  return /[.!?]$/.test(title) ? title : `${title}.`
}
