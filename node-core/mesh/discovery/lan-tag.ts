import { createHmac, hkdfSync } from 'node:crypto'
import type { MeshId } from '../../domain/ids.ts'

/** How long a mesh goes by one name on its LANs. */
const EPOCH_MS = 3_600_000
/** 56 bits: what collides by chance does not open. */
const TAG_HEX = 14
const KEY_BYTES = 32

/** What a mesh is called on a LAN in one hour, and the key of what is said under that name. */
export interface LanTag {
  /** A DNS label: an underscore and hex digits, the same for all nodes of the mesh and meaningless to others. */
  readonly label: string
  readonly key: Uint8Array
}

/**
 * The tags under which a node listens: of this hour, which it uses itself, and of the hours beside it for the clocks of
 * others. Both are derived from the mesh id, which members and holders of an invite know and which no packet shows.
 */
export function createLanTags(meshId: MeshId): (nowMs: number) => readonly [LanTag, LanTag, LanTag] {
  const root = Buffer.from(meshId, 'hex')
  const known = new Map<number, LanTag>()
  const tagOf = (epoch: number): LanTag => {
    const found = known.get(epoch)
    if (found !== undefined) return found
    const text = createHmac('sha256', root).update(`x0t/lan/1/tag/${epoch}`).digest('hex')
    const key = new Uint8Array(hkdfSync('sha256', root, '', `x0t/lan/1/key/${epoch}`, KEY_BYTES))
    const tag = { label: `_${text.slice(0, TAG_HEX)}`, key }
    known.set(epoch, tag)
    return tag
  }
  return (nowMs) => {
    const epoch = Math.floor(nowMs / EPOCH_MS)
    for (const old of known.keys()) if (Math.abs(old - epoch) > 1) known.delete(old)
    return [tagOf(epoch), tagOf(epoch - 1), tagOf(epoch + 1)]
  }
}
