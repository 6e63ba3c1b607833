import type { MeshId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { FaultError } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'
import { meshIdOf } from '../../security/authority.ts'
import {
  type AuthorityKey,
  type AuthorityLine,
  type AuthorityProof,
  authorityKeys,
  decodeLine,
  decodeSuccessor,
  encodeLine,
  judgeSuccessor,
  lineOf,
  type Successor,
} from '../../security/authority-succession.ts'
import type { SecurityFault } from '../../security/faults.ts'
import type { HybridPublicKey } from '../../security/hybrid-key.ts'
import type { MetaStore } from './store-port.ts'

const LINE_KEY = 'authority-line'

export interface AuthorityBookDeps {
  readonly clock: Pick<Clock, 'now'>
  readonly logger: Pick<Logger, 'info' | 'error'>
  readonly meta: MetaStore
  readonly count: (name: string) => void
  /** Another key is the authority's from now on. */
  readonly onChange: (number: number) => void
}

export interface AuthorityAnchor {
  readonly meshId: MeshId
  /** The key that this node has learned first: of `init`, of the invite that it joined by. */
  readonly publicKey: HybridPublicKey
}

/** What became of records that somebody has shown. */
export type LineOutcome = 'kept' | 'known' | 'later' | 'bad'

/** Which keys are the authority's: the one of now, and those it replaced. It only ever goes forward. */
export interface AuthorityBook {
  current(): AuthorityKey
  /** Newest first. */
  keys(): readonly AuthorityKey[]
  /** The key, of those known, under which something verifies. */
  signerOf(verifies: (publicKey: HybridPublicKey) => boolean): AuthorityKey | undefined
  /**
   * Judges what the authority signed: under its key of now, or under one that was replaced, as far as that is honoured.
   * `unknown-authority`: no key that is known here signed it. `void`: one did that had been replaced.
   */
  judgeSigned<V extends string>(
    verify: (publicKey: HybridPublicKey) => V,
    isHonoured: (key: AuthorityKey) => boolean,
  ): V | 'valid' | 'unknown-authority' | 'void'
  /** When certificates that lead to this key end; at once for a key that is not known. */
  endsAt(id: string): number
  /** What to show to strangers. */
  proof(): AuthorityProof
  /** The newest record, while its overlap lasts: what to show to members who may have been away. */
  successor(): Uint8Array | undefined
  /** All of it, for neighbours; nothing as long as the authority never changed. */
  line(): { readonly number: number; readonly bytes: Uint8Array } | undefined
  /** Takes what goes on from what is known, once it has verified. Never throws. */
  accept(bytes: Uint8Array): LineOutcome
  /** The same for one record. */
  learn(bytes: Uint8Array): LineOutcome
}

/** @throws FaultError BAD_RECORD when what is remembered does not verify: going on would mean going back to an older key */
export const createAuthorityBook = (deps: AuthorityBookDeps, anchor: AuthorityAnchor): AuthorityBook =>
  new Book(deps, anchor)

/** The line that a store remembers; of one key when the authority never changed, and none where its history is not known yet. */
export function loadLine(meta: Pick<MetaStore, 'get'>, anchor: AuthorityAnchor): AuthorityLine | undefined {
  const kept = meta.get(LINE_KEY)
  const isFounding = meshIdOf(anchor.publicKey) === anchor.meshId
  if (kept === undefined || kept === '') return isFounding ? lineOf(anchor.publicKey) : undefined
  const decoded = decodeLine(Buffer.from(kept, 'base64'), anchor.meshId)
  const line = decoded && extended(lineOf(decoded.root), decoded.offered, anchor.meshId)
  if (line !== undefined && line.successors.length === decoded?.offered.length) return line
  throw new FaultError<SecurityFault>(
    { code: 'BAD_RECORD', record: 'authority line' },
    'the store does not hold together what it knows of the authority of the mesh and of its successors',
    { hint: 'Restore the home from a backup, or join the mesh anew with a new home.' },
  )
}

/** What was judged when it came is not judged by the clock again. */
function extended(line: AuthorityLine, offered: readonly Successor[], meshId: MeshId): AuthorityLine {
  let grown = line
  for (const successor of offered) {
    const verdict = judgeSuccessor(grown, successor, { meshId, nowMs: Number.MAX_SAFE_INTEGER })
    if (verdict !== 'follows') break
    grown = { ...grown, successors: [...grown.successors, successor] }
  }
  return grown
}

export const saveLine = (meta: Pick<MetaStore, 'set'>, line: AuthorityLine): void =>
  meta.set(LINE_KEY, Buffer.from(encodeLine(line)).toString('base64'))

class Book implements AuthorityBook {
  readonly #deps: AuthorityBookDeps
  readonly #anchor: AuthorityAnchor
  #line: AuthorityLine | undefined
  #keys: readonly AuthorityKey[]

  constructor(deps: AuthorityBookDeps, anchor: AuthorityAnchor) {
    this.#deps = deps
    this.#anchor = anchor
    this.#line = loadLine(deps.meta, anchor)
    this.#keys = this.#read()
  }

  current(): AuthorityKey {
    return this.#keys[0] as AuthorityKey
  }

  keys(): readonly AuthorityKey[] {
    return this.#keys
  }

  signerOf(verifies: (publicKey: HybridPublicKey) => boolean): AuthorityKey | undefined {
    return this.#keys.find(({ publicKey }) => verifies(publicKey))
  }

  judgeSigned<V extends string>(
    verify: (publicKey: HybridPublicKey) => V,
    isHonoured: (key: AuthorityKey) => boolean,
  ): V | 'valid' | 'unknown-authority' | 'void' {
    const first = verify(this.current().publicKey)
    if (first !== 'forged') return first
    const key = this.signerOf((publicKey) => verify(publicKey) === 'valid')
    if (key === undefined) return 'unknown-authority'
    return isHonoured(key) ? 'valid' : 'void'
  }

  endsAt(id: string): number {
    return this.#keys.find((key) => key.id === id)?.endsAt ?? 0
  }

  proof(): AuthorityProof {
    const successor = this.successor()
    const before = this.#keys[1]
    if (successor === undefined || before === undefined) return { authority: this.current().publicKey }
    return { authority: before.publicKey, successor }
  }

  successor(): Uint8Array | undefined {
    const newest = this.#line?.successors.at(-1)
    return newest !== undefined && this.#deps.clock.now() < newest.overlapUntil ? newest.bytes : undefined
  }

  line(): { readonly number: number; readonly bytes: Uint8Array } | undefined {
    if (this.#line === undefined || this.#line.successors.length === 0) return undefined
    return { number: this.#line.successors.length, bytes: encodeLine(this.#line) }
  }

  accept(bytes: Uint8Array): LineOutcome {
    const decoded = decodeLine(bytes, this.#anchor.meshId)
    if (decoded === undefined) return 'bad'
    return this.#extend(this.#line ?? lineOf(decoded.root), decoded.offered)
  }

  learn(bytes: Uint8Array): LineOutcome {
    const successor = decodeSuccessor(bytes)
    if (successor === undefined) return 'bad'
    return this.#line === undefined ? 'later' : this.#extend(this.#line, [successor])
  }

  #extend(from: AuthorityLine, offered: readonly Successor[]): LineOutcome {
    const { meshId } = this.#anchor
    let line = from
    let outcome: LineOutcome = 'known'
    for (const successor of offered) {
      const verdict = judgeSuccessor(line, successor, { meshId, nowMs: this.#deps.clock.now() })
      if (verdict === 'known') continue
      if (verdict !== 'follows') {
        outcome = this.#refuse(verdict, successor.number)
        break
      }
      line = { ...line, successors: [...line.successors, successor] }
    }
    return this.#adopt(line) ? 'kept' : outcome
  }

  #refuse(verdict: 'gap' | 'not-yet-valid' | 'wrong-mesh' | 'forged' | 'fork', number: number): LineOutcome {
    if (verdict === 'wrong-mesh' || verdict === 'forged') return 'bad'
    if (verdict === 'fork') {
      this.#deps.count('forked-authority')
      this.#deps.logger.error('the authority has named two successors: somebody else may have its key', {
        number,
      })
    }
    // Whoever passes on the other branch believes it, as this node believes the one that it saw first.
    return 'later'
  }

  #adopt(line: AuthorityLine): boolean {
    if (line.successors.length <= (this.#line?.successors.length ?? 0)) return false
    const leadsHere = authorityKeys(line).some(({ id }) => id === meshIdOf(this.#anchor.publicKey))
    if (!leadsHere) return false
    // On disk before it is believed: a node that crashes now must not come back with the old key.
    saveLine(this.#deps.meta, line)
    this.#line = line
    this.#keys = this.#read()
    this.#deps.logger.info('the authority of the mesh has another key', { number: line.successors.length })
    this.#deps.onChange(line.successors.length)
    return true
  }

  #read(): readonly AuthorityKey[] {
    if (this.#line !== undefined) return authorityKeys(this.#line)
    const { publicKey } = this.#anchor
    return [{ id: meshIdOf(publicKey), publicKey, endsAt: Number.POSITIVE_INFINITY, replacedBy: undefined }]
  }
}
