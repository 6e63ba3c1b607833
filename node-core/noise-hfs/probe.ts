import { answersAead, answersDh, answersHash, answersKem } from './known-answers.ts'
import type { AeadKind, Implementation, Primitives } from './primitives.ts'
import { nativeAead, nativeDh, nativeHash, nativeKem } from './primitives-native.ts'
import { nobleAead, nobleDh, nobleHash, nobleKem } from './primitives-noble.ts'

/** What a runtime can do natively, each part tried and not guessed from a version. */
export interface Capabilities {
  readonly dh: Implementation
  readonly kem: Implementation
  readonly hash: Implementation
  readonly aead: Readonly<Record<AeadKind, Implementation>>
}

// A runtime that has an algorithm by name but not by behaviour (BoringSSL in Electron has its own set) falls back to
// portable code by itself.
function works(attempt: () => boolean): Implementation {
  try {
    return attempt() ? 'native' : 'noble'
  } catch {
    return 'noble'
  }
}

let probed: Capabilities | undefined

/** What this process can do natively. Tried once; takes a few milliseconds. */
export function probeCapabilities(): Capabilities {
  probed ??= {
    dh: works(() => answersDh(nativeDh)),
    kem: works(() => answersKem(nativeKem, nativeHash)),
    hash: works(() => answersHash(nativeHash)),
    aead: {
      aesgcm: works(() => answersAead(nativeAead('aesgcm'))),
      chachapoly: works(() => answersAead(nativeAead('chachapoly'))),
    },
  }
  return probed
}

/** The fastest implementation of each part that this runtime has, or the portable one of every part. */
export function selectPrimitives(
  kind: AeadKind,
  prefer: Implementation = 'native',
  capabilities: Capabilities = prefer === 'native' ? probeCapabilities() : ALL_NOBLE,
): Primitives {
  return {
    dh: capabilities.dh === 'native' ? nativeDh : nobleDh,
    kem: capabilities.kem === 'native' ? nativeKem : nobleKem,
    hash: capabilities.hash === 'native' ? nativeHash : nobleHash,
    aead: capabilities.aead[kind] === 'native' ? nativeAead(kind) : nobleAead(kind),
  }
}

const ALL_NOBLE: Capabilities = {
  dh: 'noble',
  kem: 'noble',
  hash: 'noble',
  aead: { aesgcm: 'noble', chachapoly: 'noble' },
}
