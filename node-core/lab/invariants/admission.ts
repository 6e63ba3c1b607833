import type { NodeName } from '../../domain/ids.ts'
import type { Lab } from '../lab.ts'
import type { Finding } from './violation.ts'

/** The mesh's own handshakes, in which an admission is (docs/adr/0003-handshake.md). */
const MESH_SUITE = /^\/x0t\/noise-hfs\/1\/(?:aesgcm|chachapoly)$/

/**
 * Asks nodes for their links: each has to be with a member, by a suite of the mesh, and to a neighbour of the topology.
 */
export async function checkAdmission(
  lab: Pick<Lab, 'topology' | 'client'>,
  answering: readonly NodeName[],
): Promise<readonly Finding[]> {
  const found = await Promise.all(
    answering.map(async (name) => {
      const whys = await foreignLinks(lab, name)
      return whys.map((why) => ({ kind: 'not-admitted' as const, detail: `${name}: ${why}` }))
    }),
  )
  return found.flat()
}

async function foreignLinks(
  lab: Pick<Lab, 'topology' | 'client'>,
  node: NodeName,
): Promise<readonly string[]> {
  const api = lab.client(node)
  const [{ items: links }, { items: members }] = await Promise.all([api.links.list(), api.members.list()])
  return links
    .filter(({ suite }) => suite !== null)
    .flatMap(({ peer, name, suite }) => [
      ...(members.some((member) => member.peer === peer && member.standing === 'member')
        ? []
        : [`a link to ${peer}, which is no member`]),
      ...(MESH_SUITE.test(suite ?? '') ? [] : [`the link to ${name} uses the suite ${suite}`]),
      ...(lab.topology.links.some(({ a, b }) => (a === node && b === name) || (a === name && b === node))
        ? []
        : [`a link to ${name}, which is no neighbour`]),
    ])
}
