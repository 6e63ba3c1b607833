import type { Lab } from '../../node-core/lab/lab.ts'

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
