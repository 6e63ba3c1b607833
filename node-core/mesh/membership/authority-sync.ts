import { createFlood, type FloodSync, type FloodTimes } from '../flood/flood.ts'
import type { Outcome } from '../flood/replica.ts'
import type { SyncDeps } from './sync.ts'

/** A protocol of its own, so that a node of an earlier version, which knows no such thing, goes on with the rest. */
const AUTHORITY_PROTOCOL = '/x0t/authority/1'

const LINE = { kind: 'line', name: 'line' } as const

/** Tells members which keys the authority has had, and takes it from them. */
export function createAuthoritySync(
  { membership, onSame: _onSame, ...deps }: SyncDeps,
  options: FloodTimes = {},
): FloodSync {
  const { authorities } = membership
  return createFlood<'line'>(
    {
      ...deps,
      replica: {
        digest() {
          const line = authorities.line()
          return line === undefined ? [] : [{ ...LINE, version: [line.number] }]
        },
        read() {
          const line = authorities.line()
          return line && { kind: 'line', bytes: line.bytes }
        },
        accept: ({ bytes }): Outcome<'line'> => {
          const kind = authorities.accept(bytes)
          return kind === 'kept' || kind === 'known' ? { kind } : { kind, why: `authority: ${kind}` }
        },
      },
      onNews: (listener) => membership.events.on('authorityChanged', () => listener({ ...LINE, own: false })),
      noteMisbehaviour: membership.noteMisbehaviour,
    },
    { ...options, protocol: AUTHORITY_PROTOCOL, component: 'authority', kinds: ['line'] },
  )
}
