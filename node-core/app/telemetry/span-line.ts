import type { Clock } from '../../platform/clock.ts'
import { createEmitter, type Emitter } from '../../platform/emitter.ts'
import { messageOf } from '../../platform/error.ts'

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>

/** A piece of work that is over. Never holds a secret. */
export interface FinishedSpan {
  /** One of a few fixed names, such as `x0t.dial`. */
  readonly name: string
  /** Milliseconds since the Unix epoch, as is the end. */
  readonly startedAt: number
  readonly endedAt: number
  readonly attributes: SpanAttributes
  /** Why it failed; undefined when it did what it was for. */
  readonly problem: string | undefined
  readonly children: readonly FinishedSpan[]
}

/** Where the parts of a node leave what they did. While nobody follows, nothing is measured or kept. */
export interface SpanLine {
  readonly events: Pick<Emitter<{ finished: FinishedSpan }>, 'on'>
  /** Settles as `work` does. */
  measure<T>(name: string, attributes: () => SpanAttributes, work: () => Promise<T>): Promise<T>
}

export function createSpanLine({ clock }: { readonly clock: Clock }): SpanLine {
  // Whoever follows looks after its own faults: telling of work must not break it.
  const events = createEmitter<{ finished: FinishedSpan }>(() => {})
  let followers = 0
  return {
    events: {
      on(event, listener) {
        followers += 1
        const off = events.on(event, listener)
        let isOn = true
        return () => {
          if (isOn) followers -= 1
          isOn = false
          off()
        }
      },
    },
    async measure(name, attributes, work) {
      if (followers === 0) return work()
      const startedAt = clock.now()
      const finish = (problem: string | undefined): void =>
        events.emit('finished', {
          ...{ name, startedAt, endedAt: clock.now(), attributes: attributes(), problem, children: [] },
        })
      try {
        const answer = await work()
        finish(undefined)
        return answer
      } catch (error) {
        finish(messageOf(error))
        throw error
      }
    },
  }
}
