import type { NodeName } from '../../domain/ids.ts'
import type { Lab } from '../lab.ts'
import type { Finding } from './violation.ts'

/** What a node that answers knows: the ways that it would take, by the name of where they lead. */
export type KnownWays = ReadonlyMap<NodeName, ReadonlyMap<NodeName, readonly (readonly NodeName[])[]>>

/** Asks every node that answers for its paths. One that dies while it is asked knows nothing. */
export async function readWays(lab: Pick<Lab, 'client'>, answering: readonly NodeName[]): Promise<KnownWays> {
  const known = await Promise.all(
    answering.map(async (node) => {
      try {
        const { items } = await lab.client(node).routes.list({ node: null })
        const ways = items.map(({ name, paths }) => {
          const whole = paths.map(({ viaNames }) => [node, ...viaNames, name])
          return [name, whole] as const
        })
        return [[node, new Map(ways)] as const]
      } catch {
        return []
      }
    }),
  )
  return new Map(known.flat())
}

/** Ways that pass a node twice, or come back to where they began. */
export function findLoops(known: KnownWays): readonly Finding[] {
  return [...known].flatMap(([node, ways]) =>
    [...ways.values()]
      .flat()
      .filter((way) => new Set(way).size < way.length)
      .map((way) => ({ kind: 'loop' as const, detail: `${node} would send over ${way.join(' > ')}` })),
  )
}
