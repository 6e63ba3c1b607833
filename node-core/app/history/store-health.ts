import type { HealthItem } from '../../contract/schemas.ts'
import type { NodeParts } from '../node-parts.ts'

type Store = 'knowledge' | 'series'

/** What it means for a person that a store cannot be written. The mesh carries traffic all the same. */
const CONSEQUENCES: Readonly<Record<Store, string>> = {
  knowledge:
    'Traffic goes on. Revocations, invites and repairs that need it are refused until it can be written again.',
  series: 'Traffic goes on. Charts and history have a gap.',
}

const WHY: Readonly<Record<string, string>> = {
  STORE_FULL: 'the disk is full: free some space',
  STORE_LOCKED: 'another program has it open: close that program',
  STORE_READ_ONLY: 'it is read-only: make the home writable',
  STORE_CORRUPT: 'it is damaged: the node sets it aside at its next start',
  STORE_IO: 'the disk fails: look at its health',
}

/** `store-full`, `store-locked`, `store-corrupt` and so on, and `series-full` and so on: stable, for the loop and for people. */
const codeOf = (store: Store, code: string): string =>
  code
    .toLowerCase()
    .replace(/^store_/, store === 'series' ? 'series-' : 'store-')
    .replaceAll('_', '-')

/** Says on the health board what is wrong with the stores, for as long as it is. */
export function reportStoreFaults({ health, knowledge, series }: NodeParts): (() => void)[] {
  const raised: Record<Store, string | undefined> = { knowledge: undefined, series: undefined }
  const clear = (store: Store): void => {
    const code = raised[store]
    if (code !== undefined) health.clear(code)
    raised[store] = undefined
  }
  const raise = (store: Store, faultCode: string, message: string): void => {
    const item: HealthItem = {
      code: codeOf(store, faultCode),
      severity: store === 'knowledge' ? 'critical' : 'warning',
      title: `The store of ${store} cannot be used, ${WHY[faultCode] ?? message}. ${CONSEQUENCES[store]}`,
      impactsConnectivity: false,
    }
    if (raised[store] !== item.code) clear(store)
    raised[store] = item.code
    health.raise(item)
  }
  return [
    knowledge.events.on('fault', ({ code, message }) => raise('knowledge', code, message)),
    knowledge.events.on('recovered', () => clear('knowledge')),
    series.events.on('fault', ({ code, message }) => raise('series', code, message)),
    series.events.on('recovered', () => clear('series')),
    series.events.on('setAside', ({ path }) => {
      clear('series')
      health.raise({
        code: 'series-set-aside',
        severity: 'warning',
        title: `The store of series was damaged and a new one was begun: charts start anew. The old one is ${path}.`,
        impactsConnectivity: false,
      })
    }),
  ]
}
