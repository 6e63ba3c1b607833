import { connect } from 'node:net'
import { createGapMeter } from '../../node-core/lab/invariants/gap-meter.ts'

export interface NewFlowsReport {
  /** Longest time after `sinceMs` between two answers on connections of their own. */
  readonly longestGapMs: number
  /** Connections made after `sinceMs` that ended without their answer. */
  readonly lost: number
}

/** Many clients: every 20 ms a new connection, one request on it, one answer. */
export interface NewFlows {
  readonly answered: number
  /** Makes no more, waits for the answers that are missing, and judges. */
  finish(sinceMs: number, limitMs: number): Promise<NewFlowsReport>
}

const INTERVAL_MS = 20
const MAX_OPEN = 500
const POLL_MS = 5

export function startNewFlows(port: number): NewFlows {
  const gaps = createGapMeter(() => performance.now())
  const open = new Set<{ readonly startedMs: number; destroy(): void }>()
  const lost: number[] = []
  let answered = 0

  const ask = (): void => {
    if (open.size >= MAX_OPEN) return
    const request = Buffer.from(`${answered} ${performance.now()}`)
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    const flow = { startedMs: performance.now(), destroy: () => socket.destroy() }
    open.add(flow)
    let received = Buffer.alloc(0)
    let isAnswered = false
    socket.on('connect', () => socket.write(request))
    socket.on('data', (part: Buffer) => {
      received = Buffer.concat([received, part])
      if (isAnswered || !received.equals(request)) return
      isAnswered = true
      answered += 1
      gaps.mark()
      socket.destroy()
    })
    socket.on('error', () => socket.destroy())
    socket.on('end', () => socket.destroy())
    socket.on('close', () => {
      open.delete(flow)
      if (!isAnswered) lost.push(flow.startedMs)
    })
  }
  const timer = setInterval(ask, INTERVAL_MS)
  ask()

  return {
    get answered() {
      return answered
    },
    async finish(sinceMs, limitMs) {
      clearInterval(timer)
      const deadlineMs = performance.now() + limitMs
      const isWaiting = (): boolean => [...open].some(({ startedMs }) => startedMs >= sinceMs)
      while (isWaiting() && performance.now() < deadlineMs) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      }
      const unanswered = [...open].filter(({ startedMs }) => startedMs >= sinceMs).length
      const broken = lost.filter((startedMs) => startedMs >= sinceMs).length
      const longestGapMs = gaps.longestMs({ sinceMs, isWaiting: unanswered > 0 })
      for (const flow of open) flow.destroy()
      return { longestGapMs, lost: broken + unanswered }
    },
  }
}
