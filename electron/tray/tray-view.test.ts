import { describe, expect, it } from 'vitest'
import type { Facts, NodeState } from '../core/messages.ts'
import { trayEntriesOf, trayStateOf, verdictOf } from './tray-view.ts'
import { ENGLISH, wordsFor } from './words.ts'

const UP: NodeState = { kind: 'up', hosted: true, pid: 7 }
const DOWN: NodeState = {
  kind: 'down',
  retryMs: 500,
  problem: { code: 'NODE_DIED', message: 'it was killed', hint: '' },
}
const FACTS: Facts = {
  node: { name: 'berlin', mesh: 'Harbour', state: 'up' },
  links: { all: 2, up: 2 },
  ...{ faults: [], approvals: [], paused: false },
}
const fault = (severity: 'warning' | 'critical', title = 'a fault', key = 'inc-1') => ({
  ...{ key, severity, title, page: `incidents/${key}`, silenced: false },
})
const labels = (node: NodeState, facts: Facts | undefined): string[] =>
  trayEntriesOf(ENGLISH, node, facts).flatMap((entry) => (entry.kind === 'separator' ? [] : [entry.label]))

describe('the icon of the tray', () => {
  it.each<[string, NodeState, Facts | undefined]>([
    ['healthy', UP, FACTS],
    ['degraded', UP, { ...FACTS, links: { all: 2, up: 1 } }],
    ['degraded', UP, { ...FACTS, faults: [fault('warning')] }],
    ['fault', UP, { ...FACTS, faults: [fault('warning'), fault('critical')] }],
    ['fault', UP, { ...FACTS, links: { all: 2, up: 0 } }],
    ['fault', UP, { ...FACTS, node: { ...FACTS.node, state: 'revoked' } }],
    ['paused', UP, { ...FACTS, paused: true, faults: [fault('warning')] }],
    ['fault', UP, { ...FACTS, paused: true, faults: [fault('critical')] }],
    ['fault', DOWN, undefined],
    ['off', { kind: 'starting' }, undefined],
    ['off', { kind: 'stopped' }, FACTS],
    ['off', UP, undefined],
  ])('is %s for what it is for', (state, node, facts) => {
    expect(trayStateOf(node, facts)).toBe(state)
  })
})

describe('the menu of the tray', () => {
  it('begins with the verdict, and says what quitting does to the node', () => {
    expect(labels(UP, FACTS)).toEqual([
      'berlin in Harbour: 2 of 2 links up',
      ...[
        'Incidents: none',
        'Pending approvals: none',
        'Pause healing',
        'Open console',
        'Quit and stop the node',
      ],
    ])
    expect(labels({ ...UP, hosted: false }, FACTS)).toContain('Quit')
  })

  it('leads from an incident and from an approval to where they are dealt with', () => {
    const approvals = [{ key: 'join-1', title: 'paris wants to join as viewer', page: 'nodes' }]
    const entries = trayEntriesOf(ENGLISH, UP, { ...FACTS, faults: [fault('critical')], approvals })
    expect(JSON.stringify(entries)).toContain('"page":"incidents/inc-1"')
    expect(JSON.stringify(entries)).toContain('"page":"nodes"')
    expect(verdictOf(ENGLISH, UP, { ...FACTS, faults: [fault('critical')], approvals })).toBe(
      'berlin in Harbour: 1 fault, 2 of 2 links up, 1 approval wanted',
    )
  })

  it('stays short however much is wrong, and says how much more there is', () => {
    const faults = Array.from({ length: 30 }, (_, at) => fault('warning', 'x'.repeat(500), `inc-${at}`))
    const menu = trayEntriesOf(ENGLISH, UP, { ...FACTS, faults }).find((entry) => entry.kind === 'menu')
    expect(menu?.entries).toHaveLength(9)
    expect(menu?.entries.at(-1)).toMatchObject({ label: '22 more' })
    expect(JSON.stringify(menu)).not.toContain('x'.repeat(71))
  })

  it('offers to start a node that is down or was stopped, and says why it is down', () => {
    expect(labels(DOWN, undefined)).toEqual(
      expect.arrayContaining(['The node is down: it was killed', 'Start the node now']),
    )
    expect(labels({ kind: 'stopped' }, undefined)).toContain('Start the node now')
    expect(labels(UP, FACTS)).not.toContain('Start the node now')
  })
})

it.each([
  ['ru-RU', 'Узел запускается'],
  ['ru', 'Узел запускается'],
  ['en-GB', 'The node is starting'],
  ['fr', 'The node is starting'],
])('speaks the language of a system in %s', (locale, text) => {
  expect(verdictOf(wordsFor(locale), { kind: 'starting' }, undefined)).toBe(text)
})

it('counts in Russian as Russian does', () => {
  const words = wordsFor('ru')
  expect([1, 3, 5, 21].map(words.faults)).toEqual([
    '1 неполадка',
    '3 неполадки',
    '5 неполадок',
    '21 неполадка',
  ])
  expect(words.links(1, 2)).toBe('работает 1 из 2 каналов')
})
