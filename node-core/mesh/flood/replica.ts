import type { PeerId } from '../../domain/ids.ts'

/** One signed thing, as it travels. */
export interface Item<K extends string = string> {
  readonly kind: K
  readonly bytes: Uint8Array
}

/** Which thing: neighbours name it alike. */
export interface ItemName<K extends string = string> {
  readonly kind: K
  readonly name: string
}

/**
 * What a node holds, in short: one line per thing, `[name, ...version]`. The name says which thing, the version is
 * compared number by number and text by text.
 */
export interface DigestLine<K extends string = string> extends ItemName<K> {
  readonly version: readonly (number | string)[]
}

/**
 * What became of an item. `later` is nobody's fault: something that it builds on has not come yet, or the clocks
 * differ; `wants` names what the neighbour is to be asked for. `bad` convicts whoever passed it on.
 */
export type Outcome<K extends string = string> =
  | { readonly kind: 'kept' }
  | { readonly kind: 'known' }
  | { readonly kind: 'later'; readonly why: string; readonly wants?: ItemName<K> | undefined }
  | { readonly kind: 'bad'; readonly why: string }

/** Signed state that is the same everywhere, as one table, so that two nodes can find out what the other lacks. */
export interface Replica<K extends string = string> {
  digest(): readonly DigestLine<K>[]
  /** The bytes of what a line of the own digest names, or of what others may ask for besides. */
  read(name: ItemName<K>): Item<K> | undefined
  /** Decodes, verifies and, if it is good and new, keeps an item and tells it as news. `from` is who passed it on. */
  accept(item: Item<K>, from: PeerId): Outcome<K>
}

/** True when `mine` is worth sending to whoever holds `theirs`. */
export function isNewer(mine: DigestLine, theirs: DigestLine | undefined): boolean {
  if (theirs === undefined) return true
  for (const [index, part] of mine.version.entries()) {
    const other = theirs.version[index]
    if (part === other) continue
    if (other === undefined || typeof part !== typeof other) return true
    return part > other
  }
  return false
}
