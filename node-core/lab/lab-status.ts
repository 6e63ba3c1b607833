import type { Applied, LabLinkStatus, LabNodeStatus } from '../contract/lab.ts'
import type { Link } from '../contract/schemas.ts'
import type { NodeName } from '../domain/ids.ts'
import { messageOf } from '../platform/error.ts'
import type { LabNode } from './lab-node.ts'
import type { TopologyLink } from './topology.ts'

/** What one node says of itself, as far as it says anything. */
export interface NodeReport {
  readonly node: LabNodeStatus
  readonly links: readonly Link[]
}

/** A node that is alive answers at once; one that hangs must not hold up the rest for long. */
const ASK_MS = 2_000

export function readNodes(nodes: readonly LabNode[]): Promise<readonly NodeReport[]> {
  return Promise.all(nodes.map(readNode))
}

async function readNode(node: LabNode): Promise<NodeReport> {
  const { name, state, pid } = node
  const facts = { name, state, peer: node.peer ?? null, home: node.paths.root, pid: pid ?? null }
  if (state !== 'up') return { node: { ...facts, ready: null, verdict: VERDICTS[state] }, links: [] }
  try {
    const client = node.client(ASK_MS)
    const [check, { links }] = await Promise.all([
      client.node.check({ check: 'ready' }),
      client.node.status(),
    ])
    const verdict = check.ok ? 'ready' : check.reasons.join('; ')
    return { node: { ...facts, ready: check.ok, verdict }, links }
  } catch (error) {
    return { node: { ...facts, ready: null, verdict: messageOf(error) }, links: [] }
  }
}

const VERDICTS = {
  starting: 'is starting',
  stopped: 'is stopped and says nothing',
  dead: 'does not run',
} as const

export function readLinks(
  reports: readonly NodeReport[],
  links: readonly { readonly link: TopologyLink; readonly applied: readonly Applied[] }[],
): LabLinkStatus[] {
  const byName = new Map(reports.map((report) => [report.node.name, report]))
  const seenBy = (own: NodeName, other: NodeName): Link['state'] | null => {
    const report = byName.get(own)
    if (report === undefined || report.node.ready === null) return null
    // An end that did not dial forgets a link that is gone.
    return report.links.find(({ name }) => name === other)?.state ?? 'down'
  }
  return links.map(({ link: { a, b }, applied }) => ({
    ...{ a, b, impairments: [...applied] },
    seenByA: seenBy(a, b),
    seenByB: seenBy(b, a),
  }))
}
