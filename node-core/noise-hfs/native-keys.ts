import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'

/** Keys between their raw bytes and `node:crypto`. */
type Algorithm = 'x25519' | 'ml-kem-768'

/**
 * DER headers of RFC 8410 (X25519) and RFC 9935 (ML-KEM-768, private keys as seeds); the raw key follows.
 * Node has raw formats of its own since 24.6, which cost a tenth to export and half to import, but not everywhere that
 * this runs.
 */
const DER = {
  x25519: { spki: '302a300506032b656e032100', pkcs8: '302e020100300506032b656e04220420' },
  'ml-kem-768': {
    spki: '308204b2300b0609608648016503040402038204a100',
    pkcs8: '3054020100300b060960864801650304040204428040',
  },
} as const satisfies Record<Algorithm, { readonly spki: string; readonly pkcs8: string }>

/**
 * To learn that bytes are no KeyObject, `createPublicKey` throws an error of its own and catches it. The stack of that
 * error costs three times as much as reading the key.
 */
function withoutStack<T>(work: () => T): T {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return work()
  } finally {
    Error.stackTraceLimit = limit
  }
}

/** Whether this Node imports raw keys; the first import finds out. */
let rawImports = true

export function importPublic(algorithm: Algorithm, raw: Uint8Array): KeyObject {
  if (rawImports) {
    try {
      const key = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)
      return withoutStack(() => createPublicKey({ key, format: 'raw-public', asymmetricKeyType: algorithm }))
    } catch {
      rawImports = false
    }
  }
  return importThroughDer(algorithm, raw)
}

/** For Node versions without raw formats; the same key. */
export function importThroughDer(algorithm: Algorithm, raw: Uint8Array): KeyObject {
  const key = Buffer.concat([Buffer.from(DER[algorithm].spki, 'hex'), raw])
  return createPublicKey({ key, format: 'der', type: 'spki' })
}

export function importPrivate(algorithm: Algorithm, raw: Uint8Array): KeyObject {
  const key = Buffer.concat([Buffer.from(DER[algorithm].pkcs8, 'hex'), raw])
  try {
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  } finally {
    key.fill(0)
  }
}

/** Whether this Node exports raw keys; the first export finds out. */
let rawExports = true

export function exportPublic(algorithm: Algorithm, key: KeyObject): Uint8Array {
  if (rawExports) {
    try {
      return key.export({ format: 'raw-public' })
    } catch {
      rawExports = false
    }
  }
  return exportThroughDer(algorithm, key)
}

/** For Node versions without raw formats; the same bytes. */
export function exportThroughDer(algorithm: Algorithm, key: KeyObject): Uint8Array {
  return key.export({ type: 'spki', format: 'der' }).subarray(DER[algorithm].spki.length / 2)
}
