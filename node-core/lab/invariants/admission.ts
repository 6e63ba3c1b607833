import type { NodeName } from '../../domain/ids.ts'
import type { Lab } from '../lab.ts'
import { createViolations, type Violation } from './violation.ts'

/** The mesh's own handshakes, in which an admission is (docs/adr/0003-handshake.md). */
const MESH_SUITE = /^\/x0t\/noise-hfs\/1\/(?:aesgcm|chachapoly)$/

/**
 * Asks every node that answers for its links: each has to be with a member, by a suite of the mesh, and to a
 * neighbour of the topology.
 */
export async function checkAdmission(
  lab: Pick<Lab, 'topology' | 'client' | 'status'>,
  nowMs: () => number,
): Promise<readonly Violation[]> {
  const violations = createViolations(nowMs)
  const { nodes } = await lab.status()
  await Promise.all(
    nodes
      .filter(({ ready }) => ready !== null)
      .map(async ({ name }) => {
        for (const why of await foreignLinks(lab, name)) violations.add('not-admitted', `${name}: ${why}`)
      }),
  )
  return violations.list
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
