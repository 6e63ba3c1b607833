import type { NodeName } from '../../node-core/domain/ids.ts'
import type { Lab } from '../../node-core/lab/lab.ts'

/** Paths that pass a node twice, or come back to where they began, at any node that answers. */
export async function findLoops(lab: Pick<Lab, 'status' | 'client'>): Promise<readonly string[]> {
  const { nodes } = await lab.status()
  const found = await Promise.all(
    nodes.filter(({ ready }) => ready !== null).map(({ name }) => loopsAt(lab, name)),
  )
  return found.flat()
}

async function loopsAt(lab: Pick<Lab, 'client'>, node: NodeName): Promise<readonly string[]> {
  const { items } = await lab.client(node).routes.list({ node: null })
  return items.flatMap(({ name, paths }) =>
    paths
      .map(({ viaNames }) => [node, ...viaNames, name])
      .filter((way) => new Set(way).size < way.length)
      .map((way) => `${node} would send over ${way.join(' > ')}`),
  )
}

/** Pairs of nodes between which no way is known. */
export async function missingRoutes(lab: Pick<Lab, 'topology' | 'client'>): Promise<readonly string[]> {
  const missing = await Promise.all(
    lab.topology.nodes.map(async (node) => {
      const { items } = await lab.client(node).routes.list({ node: null })
      const known = items.filter(({ paths }) => paths.length > 0).map(({ name }) => name)
      return lab.topology.nodes
        .filter((other) => other !== node && !known.includes(other))
        .map((other) => `${node} to ${other}`)
    }),
  )
  return missing.flat()
}
