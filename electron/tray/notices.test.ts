import { describe, expect, it } from 'vitest'
import type { Facts, NodeState } from '../core/messages.ts'
import { createNotices, isQuiet, type NoticeChoice, noticeChoiceSchema, SAME_AGAIN_MS } from './notices.ts'
import { ENGLISH } from './words.ts'

const UP: NodeState = { kind: 'up', hosted: true, pid: 7 }
const ALL = noticeChoiceSchema.parse({})

const fault = (key: string, severity: 'info' | 'warning' | 'critical' = 'warning', silenced = false) => ({
  ...{ key, severity, title: `${key} is wrong`, page: `incidents/${key}`, silenced },
})
const factsWith = (...faults: Facts['faults']): Facts => ({
  node: { name: 'berlin', mesh: 'Harbour', state: 'up' },
  ...{ links: { all: 1, up: 1 }, faults, approvals: [], paused: false },
})

/** A person at the desk, minutes apart. */
function makeDesk(choice: NoticeChoice = ALL) {
  const notices = createNotices(ENGLISH)
  let atMs = 0
  return {
    see(facts: Facts | undefined, { minutes = 1, hour = 12, node = UP } = {}): string[] {
      atMs += minutes * 60_000
      return notices.take(node, facts, choice, { atMs, hour }).map(({ title, body }) => `${title}: ${body}`)
    },
  }
}

describe('what a person is told', () => {
  it('is a fault once, and its end', () => {
    const desk = makeDesk()
    expect(desk.see(factsWith())).toEqual([])
    expect(desk.see(factsWith(fault('a', 'critical')))).toEqual(['Fault: a is wrong'])
    expect(desk.see(factsWith(fault('a', 'critical')))).toEqual([])
    expect(desk.see(factsWith())).toEqual(['Recovered: a is wrong'])
  })

  it('is not the same trouble again and again while it comes and goes', () => {
    const desk = makeDesk()
    expect(desk.see(factsWith(fault('a')))).toHaveLength(1)
    const flapping = Array.from({ length: 6 }, (_, at) =>
      desk.see(at % 2 === 0 ? factsWith() : factsWith(fault('a'))),
    )
    expect(flapping.flat()).toEqual(['Recovered: a is wrong'])
    desk.see(factsWith())
    expect(desk.see(factsWith(fault('a')), { minutes: SAME_AGAIN_MS / 60_000 })).toHaveLength(1)
  })

  it('is a flood as a few and a count, the urgent one among them', () => {
    const many = Array.from({ length: 40 }, (_, at) => fault(`f${at}`))
    const told = makeDesk().see(factsWith(...many, fault('worst', 'critical')))
    expect(told).toHaveLength(4)
    expect(told[0]).toBe('Fault: worst is wrong')
    expect(told.at(-1)).toBe('38 more changes: See the console.')
  })

  it('is nothing that is silenced, nor for information alone', () => {
    const desk = makeDesk()
    expect(desk.see(factsWith(fault('a', 'critical', true), fault('b', 'info')))).toEqual([])
    expect(desk.see(factsWith())).toEqual([])
  })

  it('is what they chose, and its end only if they heard of it', () => {
    const desk = makeDesk({ ...ALL, warning: false })
    expect(desk.see(factsWith(fault('a'), fault('b', 'critical')))).toEqual(['Fault: b is wrong'])
    expect(desk.see(factsWith())).toEqual(['Recovered: b is wrong'])
    const silent = makeDesk({ ...ALL, recovery: false })
    silent.see(factsWith(fault('a')))
    expect(silent.see(factsWith())).toEqual([])
  })

  it('is what is critical alone while they sleep', () => {
    const desk = makeDesk({ ...ALL, quiet: { from: 22, to: 7 } })
    expect(desk.see(factsWith(fault('a'), fault('b', 'critical')), { hour: 3 })).toEqual([
      'Fault: b is wrong',
    ])
    expect([21, 22, 6, 7].map((at) => isQuiet({ ...ALL, quiet: { from: 22, to: 7 } }, at))).toEqual([
      ...[false, true, true, false],
    ])
    expect([8, 9, 16, 17].map((at) => isQuiet({ ...ALL, quiet: { from: 9, to: 17 } }, at))).toEqual([
      ...[false, true, true, false],
    ])
  })

  it('is an approval that is wanted, and nothing when it has been given', () => {
    const desk = makeDesk()
    const approvals = [{ key: 'join-1', title: 'paris wants to join', page: 'nodes' }]
    expect(desk.see({ ...factsWith(), approvals })).toEqual(['Your approval is wanted: paris wants to join'])
    expect(desk.see(factsWith())).toEqual([])
  })

  it('is that the node is down and that it is up again, and no recovery of all that is unknown meanwhile', () => {
    const desk = makeDesk()
    desk.see(factsWith(fault('a')))
    const node: NodeState = {
      ...{ kind: 'down', retryMs: 500 },
      problem: { code: 'NODE_DIED', message: 'The node ended.', hint: '' },
    }
    expect(desk.see(undefined, { node: { kind: 'starting' } })).toEqual([])
    expect(desk.see(undefined, { node })).toEqual(['Fault: The node ended.'])
    expect(desk.see(undefined)).toEqual([])
    expect(desk.see(factsWith(fault('a')))).toEqual(['Recovered: The node ended.'])
  })
})
