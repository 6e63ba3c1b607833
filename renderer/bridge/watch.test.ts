import { ORPCError } from '@orpc/client'
import { expect, it } from 'vitest'
import { sampleStatus } from '../testing/sample-status.ts'
import type { NodeLine } from './node-line.ts'
import { browserWait, type Reading, watchNode } from './watch.ts'

type Answer = () => Promise<ReturnType<typeof sampleStatus>>

/** Watches a node that answers as listed, until the list is over. */
async function watchThrough(answers: readonly Answer[]): Promise<{ readings: Reading[]; opened: number }> {
  const stop = new AbortController()
  const readings: Reading[] = []
  const left = [...answers]
  let opened = 0
  const line: NodeLine = { status: () => (left.shift() ?? (() => Promise.reject(new Error('over'))))() }
  await watchNode(
    {
      open: async () => {
        opened += 1
        return line
      },
      wait: async () => {
        if (left.length === 0) stop.abort()
      },
      onReading: (reading) => readings.push(reading),
    },
    stop.signal,
  )
  return { readings, opened }
}

const status = sampleStatus()
const answers: Answer = async () => status
const notRunning: Answer = async () => {
  throw new ORPCError('FAULT', {
    message: 'No node runs on this machine.',
    data: { code: 'NODE_NOT_RUNNING', hint: 'x0t up' },
  })
}
const broken: Answer = async () => {
  throw new Error('the port is closed')
}

it('reads again and again over one line, through errors of the node', async () => {
  const { readings, opened } = await watchThrough([answers, notRunning, answers])
  expect(readings).toEqual([
    { kind: 'read', status },
    { kind: 'failed', problem: 'No node runs on this machine.', hint: 'x0t up' },
    { kind: 'read', status },
  ])
  expect(opened).toBe(1)
})

it('opens a new line when the old one is broken', async () => {
  const { readings, opened } = await watchThrough([broken, answers])
  expect(readings.map((reading) => reading.kind)).toEqual(['failed', 'read'])
  expect(opened).toBe(2)
})

it('ends where there is no desktop app to ask', async () => {
  const readings: Reading[] = []
  await watchNode(
    { open: async () => undefined, wait: async () => {}, onReading: (reading) => readings.push(reading) },
    new AbortController().signal,
  )
  expect(readings).toEqual([{ kind: 'no-line' }])
})

it('stops waiting at once when it is told to stop', async () => {
  const stop = new AbortController()
  const waiting = browserWait(3_600_000, stop.signal)
  stop.abort()
  await waiting
  await browserWait(3_600_000, stop.signal)
})
