import type { NodeName } from '../../node-core/domain/ids.ts'
import type { Lab } from '../../node-core/lab/lab.ts'

/** One row of the table of faults that the lab can make by itself. */
export interface HealRow {
  readonly row: number
  readonly name: string
  /** Codes that name the root rightly. */
  readonly roots: readonly string[]
  readonly healable: boolean
  readonly inject: (lab: Lab, scene: Scene) => Promise<void>
}

/** A link that the judge's traffic takes, and a node between its ends. */
export interface Scene {
  readonly link: readonly [NodeName, NodeName]
  readonly between: NodeName
}

const onLink =
  (impairment: Parameters<Lab['impair']>[2]): HealRow['inject'] =>
  (lab, { link: [a, b] }) =>
    lab.impair(a, b, impairment)

export const HEAL_ROWS: readonly HealRow[] = [
  {
    row: 1,
    name: 'node killed',
    roots: ['node-down'],
    healable: true,
    inject: (lab, { between }) => lab.act(between, 'kill'),
  },
  {
    row: 2,
    name: 'node hangs',
    roots: ['node-down'],
    healable: true,
    inject: (lab, { between }) => lab.act(between, 'stop'),
  },
  { row: 3, name: 'link cut', roots: ['link-down'], healable: true, inject: onLink({ kind: 'cut' }) },
  { row: 4, name: 'black hole', roots: ['link-down'], healable: true, inject: onLink({ kind: 'blackhole' }) },
  {
    row: 5,
    name: 'one-way loss',
    roots: ['link-one-way', 'link-down'],
    healable: true,
    inject: onLink({ kind: 'oneway' }),
  },
  {
    row: 6,
    name: 'loss 20 %',
    roots: ['link-lossy', 'link-slow'],
    healable: true,
    inject: onLink({ kind: 'loss', rate: 0.2 }),
  },
  {
    row: 7,
    name: 'delay 150 ms',
    roots: ['link-slow'],
    healable: true,
    inject: onLink({ kind: 'delay', ms: 150, jitterMs: 10 }),
  },
  {
    row: 8,
    name: 'throttled',
    roots: ['link-congested', 'link-slow', 'link-lossy'],
    healable: true,
    inject: onLink({ kind: 'throttle', bytesPerSecond: 20_000 }),
  },
  {
    row: 9,
    name: 'flapping',
    roots: ['link-flapping', 'link-down'],
    healable: true,
    inject: onLink({ kind: 'flap', downMs: 700, upMs: 1_500 }),
  },
]
