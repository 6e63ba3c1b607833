import { describe, expect, it } from 'vitest'
import { nodeName } from '../../../tests/helpers/lab.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import type { Applied, LabLinkStatus, LabNodeStatus, LabStatus } from '../../contract/lab.ts'
import { findLoops, type KnownWays } from './loops.ts'
import { createRecoveryJudge } from './recovery.ts'
import { farthestEnds } from './traffic.ts'

const [a, b, c] = [nodeName('a'), nodeName('b'), nodeName('c')]
const BOUND_MS = 1_000

const node = (name: typeof a, change: Partial<LabNodeStatus> = {}): LabNodeStatus => ({
  ...{ name, peer: null, home: '', pid: 1, state: 'up', ready: true, verdict: 'ready' },
  ...change,
})
const link = (one: typeof a, other: typeof a, change: Partial<LabLinkStatus> = {}): LabLinkStatus => ({
  ...{ a: one, b: other, impairments: [], seenByA: 'up', seenByB: 'up' },
  ...change,
})
const statusOf = (nodes: LabNodeStatus[], links: LabLinkStatus[]): LabStatus => ({
  ...{ schema: 1, lab: { dir: '', topology: 'chain:3', seed: 1, pid: 1, startedAt: 0 } },
  ...{ nodes, links },
})
const CUT: Applied = { impairment: { kind: 'cut' }, from: a, to: b, bothWays: true }
const WHOLE = statusOf([node(a), node(b), node(c)], [link(a, b), link(b, c)])
const everyWay: KnownWays = new Map(
  [a, b, c].map((from) => {
    const others = [a, b, c].filter((to) => to !== from)
    return [from, new Map(others.map((to) => [to, [[from, to]]]))]
  }),
)

/** What is found when a lab stays as it is for a time. */
function verdictAfter(ms: number, status: LabStatus, known: KnownWays = everyWay): string[] {
  const clock = createManualClock()
  const judge = createRecoveryJudge(() => clock.monotonicMs(), BOUND_MS)
  judge.judge(status, known)
  clock.advance(ms)
  return judge.judge(status, known).map(({ kind, detail }) => `${kind}: ${detail}`)
}

describe('the judge of recovery', () => {
  it('finds nothing in a lab that works', () => {
    expect(verdictAfter(BOUND_MS + 1, WHOLE)).toEqual([])
  })

  it.each(['seenByA', 'seenByB'] as const)('gives a link its time, and no more (%s)', (end) => {
    const status = { ...WHOLE, links: [link(a, b, { [end]: 'down' }), link(b, c)] }
    expect(verdictAfter(BOUND_MS - 1, status)).toEqual([])
    expect(verdictAfter(BOUND_MS + 1, status)).toEqual(['no-recovery: the link a-b is not up after 1000 ms'])
  })

  it('begins to count anew when a link was up in between', () => {
    const clock = createManualClock()
    const judge = createRecoveryJudge(() => clock.monotonicMs(), BOUND_MS)
    const down = { ...WHOLE, links: [link(a, b, { seenByA: 'suspect' }), link(b, c)] }
    for (const status of [down, WHOLE, down]) {
      expect(judge.judge(status, everyWay)).toEqual([])
      clock.advance(BOUND_MS - 1)
    }
  })

  it('owes nothing for what is impaired or dead', () => {
    const cut = link(a, b, { impairments: [CUT], seenByA: 'down', seenByB: 'down' })
    const dead = node(c, { state: 'dead', ready: null })
    const links = [cut, link(b, c, { seenByA: 'down', seenByB: null })]
    expect(verdictAfter(BOUND_MS + 1, statusOf([node(a), node(b), dead], links), new Map())).toEqual([])
  })

  it('finds a node that runs and does not answer', () => {
    const status = statusOf([node(a, { ready: null })], [])
    expect(verdictAfter(BOUND_MS + 1, status)).toEqual(['no-recovery: a does not answer after 1000 ms'])
  })

  it('finds a node that knows no way to another one, while there is one', () => {
    const known = new Map([...everyWay, [a, new Map([[b, [[a, b]]]])]])
    expect(verdictAfter(BOUND_MS - 1, WHOLE, known)).toEqual([])
    expect(verdictAfter(BOUND_MS + 1, WHOLE, known)).toEqual([
      'no-convergence: a knows no way to c after 1000 ms',
    ])
    const parted = { ...WHOLE, links: [link(a, b, { impairments: [CUT] }), link(b, c)] }
    expect(verdictAfter(BOUND_MS + 1, parted, known)).toEqual([])
  })

  it('knows who is connected', () => {
    const judge = createRecoveryJudge(() => 0, BOUND_MS)
    judge.judge({ ...WHOLE, links: [link(a, b, { impairments: [CUT] }), link(b, c)] }, everyWay)
    expect([judge.areConnected(b, c), judge.areConnected(a, c)]).toEqual([true, false])
  })
})

describe('the search for loops', () => {
  const known = (...way: (typeof a)[]): KnownWays => new Map([[a, new Map([[c, [way]]])]])

  it('finds a way that passes a node twice or comes back to its beginning', () => {
    expect(findLoops(everyWay)).toEqual([])
    expect(findLoops(known(a, b, c))).toEqual([])
    expect(findLoops(known(a, b, a, c))).toEqual([
      { kind: 'loop', detail: 'a would send over a > b > a > c' },
    ])
    expect(findLoops(known(a, b, b, c))).toHaveLength(1)
  })
})

describe('the ends of a lab', () => {
  it('are as far apart as any', () => {
    const links = [
      { a, b },
      { a: b, b: c },
    ]
    expect(farthestEnds({ topology: { text: 'chain:3', nodes: [a, b, c], links } })).toEqual([a, c])
  })
})
