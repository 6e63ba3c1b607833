import type { MeshChange } from '../../domain/mesh-history.ts'
import type { SeriesQuery } from '../../domain/series.ts'
import type { StoreFault } from '../store-fault.ts'
import type { Batch } from './open-samples.ts'
import type { Registration, SeriesDriver } from './series-driver.ts'
import type { SeriesEngineOptions } from './series-engine.ts'

/** What the thread of the mesh and the thread of the series say to each other. */
export type SeriesRequest =
  | { readonly op: 'open'; readonly options: SeriesEngineOptions }
  | { readonly op: 'append'; readonly added: readonly Registration[]; readonly batch: Batch }
  | { readonly op: 'list' }
  | { readonly op: 'query'; readonly key: string; readonly query: SeriesQuery }
  | { readonly op: 'appendChanges'; readonly changes: readonly MeshChange[] }
  | { readonly op: 'stateAt'; readonly at: number }
  | { readonly op: 'changes'; readonly from: number; readonly until: number; readonly limit: number }
  | { readonly op: 'usedBytes' }
  | { readonly op: 'close' }

type Answer<K extends keyof SeriesDriver> = Awaited<ReturnType<SeriesDriver[K]>>

export type SeriesResponse =
  | { readonly op: 'open' | 'close' | 'appendChanges' }
  | { readonly op: 'append'; readonly value: Answer<'append'> }
  | { readonly op: 'list'; readonly value: Answer<'list'> }
  | { readonly op: 'query'; readonly value: Answer<'query'> }
  | { readonly op: 'stateAt'; readonly value: Answer<'stateAt'> }
  | { readonly op: 'changes'; readonly value: Answer<'changes'> }
  | { readonly op: 'usedBytes'; readonly value: Answer<'usedBytes'> }
  | { readonly op: 'failed'; readonly message: string; readonly fault: StoreFault | undefined }

export interface Numbered<T> {
  readonly id: number
  readonly body: T
}
