import type { LinkDetail, MemberDetail } from '../../contract/schemas.ts'
import { defineCommand, noInput } from '../command.ts'
import { CALL_MS, type CliContext } from '../context.ts'
import { EXIT } from '../fault.ts'
import { linkState, orDash, pathText, seenText, suiteText } from '../output/status-view.ts'
import { type Cell, renderTable } from '../output/table.ts'
import { formatFromNow } from '../output/time.ts'

type Peer = MemberDetail & { readonly link: LinkDetail | null }

const HEADINGS = ['NAME', 'ROLE', 'PATH', 'LINK', 'RTT', 'SUITE', 'SEEN', 'CERTIFICATE', 'VERSION']

function certificateText({ standing, expiresAt }: Peer, nowMs: number): Cell {
  if (standing === 'quarantined') return { text: 'quarantined', tone: 'yellow' }
  if (standing === 'revoked') return { text: 'revoked', tone: 'red' }
  const when = formatFromNow(expiresAt, nowMs)
  return expiresAt > nowMs ? `expires ${when}` : { text: `expired ${when}`, tone: 'red' }
}

function renderPeers({ output, now }: CliContext, peers: readonly Peer[]): string {
  const names = new Map<string, string>(peers.map(({ peer, name }) => [peer, name]))
  const rows = peers.map((peer): Cell[] => [
    peer.name,
    peer.issuing ? `${peer.role}, issues` : peer.role,
    pathText(peer, (id) => names.get(id) ?? id),
    peer.link === null ? '-' : linkState(peer.link.state),
    orDash(peer.link?.rttMs ?? null),
    suiteText(peer.link?.suite ?? null),
    seenText(peer),
    certificateText(peer, now()),
    peer.version ?? '-',
  ])
  return renderTable(output.paint, HEADINGS, rows)
}

export const peersCommand = defineCommand({
  name: 'peers',
  summary: 'list the members of the mesh and the ways to them',
  examples: ['x0t peers', 'x0t peers --json'],
  input: noInput,
  async run(context) {
    const client = context.connect(context.timeoutMs ?? CALL_MS)
    const [members, links] = await Promise.all([client.members.list(), client.links.list()])
    const byPeer = new Map(links.items.map((link) => [link.peer, link]))
    const items = members.items.map((member) => ({ ...member, link: byPeer.get(member.peer) ?? null }))
    context.output.data({ items }, () => renderPeers(context, items))
    return EXIT.done
  },
})
