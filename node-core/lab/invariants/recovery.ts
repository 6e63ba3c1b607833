import type { LabLinkStatus, LabStatus } from '../../contract/lab.ts'
import type { NodeName } from '../../domain/ids.ts'
import type { KnownWays } from './loops.ts'
import type { Finding } from './violation.ts'

/**
 * How long what is whole may take to work again. The longest pause between two dials is 30 s, and a machine that runs
 * many nodes is slow.
 */
export const RECOVERY_MS = 45_000

/** What a lab owes: whatever is not impaired and not dead works, apart from a time that has a bound. */
export interface RecoveryJudge {
  /** What has been owed for too long. To be called every few seconds. */
  judge(status: LabStatus, known: KnownWays): readonly Finding[]
  /** Whether two nodes run and only links that nobody impaired lie between them, as of the last look. */
  areConnected(a: NodeName, b: NodeName): boolean
}

export function createRecoveryJudge(nowMs: () => number, boundMs: number = RECOVERY_MS): RecoveryJudge {
  const sinceMs = new Map<string, number>()
  let islands: readonly ReadonlySet<NodeName>[] = []

  /** True once `isSo` has been true at every look for longer than the bound. */
  const lastsTooLong = (what: string, isSo: boolean): boolean => {
    if (!isSo) {
      sinceMs.delete(what)
      return false
    }
    const from = sinceMs.get(what) ?? nowMs()
    sinceMs.set(what, from)
    return nowMs() - from > boundMs
  }
  const areConnected = (a: NodeName, b: NodeName): boolean =>
    islands.some((island) => island.has(a) && island.has(b))
  const after = `after ${boundMs} ms`

  return {
    areConnected,
    judge({ nodes, links }, known) {
      const running = nodes.filter(({ state }) => state === 'up')
      const alive = new Set(running.map(({ name }) => name))
      const whole = links.filter(
        ({ a, b, impairments }) => impairments.length === 0 && alive.has(a) && alive.has(b),
      )
      islands = islandsOf(alive, whole)
      const silent = running
        .filter(({ name, ready }) => lastsTooLong(`answer ${name}`, ready === null))
        .map(({ name }) => ({ kind: 'no-recovery' as const, detail: `${name} does not answer ${after}` }))
      const down = links
        .filter((link) => lastsTooLong(`up ${link.a} ${link.b}`, whole.includes(link) && isDown(link)))
        .map(({ a, b }) => ({
          kind: 'no-recovery' as const,
          detail: `the link ${a}-${b} is not up ${after}`,
        }))
      const unknown = nodes.flatMap(({ name: from }) =>
        nodes
          .filter(({ name: to }) => from !== to)
          .filter(({ name: to }) => {
            const ways = known.get(from)
            const isOwed = areConnected(from, to) && ways !== undefined
            return lastsTooLong(`way ${from} ${to}`, isOwed && (ways.get(to) ?? []).length === 0)
          })
          .map(({ name: to }) => ({
            kind: 'no-convergence' as const,
            detail: `${from} knows no way to ${to} ${after}`,
          })),
      )
      return [...silent, ...down, ...unknown]
    },
  }
}

/** An end that does not answer says nothing about the link. */
const isDown = ({ seenByA, seenByB }: LabLinkStatus): boolean =>
  [seenByA, seenByB].some((state) => state === 'down' || state === 'suspect')

function islandsOf(
  nodes: ReadonlySet<NodeName>,
  links: readonly { readonly a: NodeName; readonly b: NodeName }[],
): readonly ReadonlySet<NodeName>[] {
  const islands: Set<NodeName>[] = []
  for (const node of nodes) {
    if (islands.some((island) => island.has(node))) continue
    const island = new Set([node])
    // The set grows while it is walked.
    for (const reached of island) {
      for (const { a, b } of links) {
        if (a === reached) island.add(b)
        if (b === reached) island.add(a)
      }
    }
    islands.push(island)
  }
  return islands
}
