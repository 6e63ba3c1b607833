import {
  type Aead,
  type AeadKind,
  DH_BYTES,
  type DiffieHellman,
  type Hash,
  KEM_CIPHERTEXT_BYTES,
  type Kem,
} from './primitives.ts'

/**
 * Whether an implementation gives the answers that ours gives to fixed questions. Asked of the native one at every start,
 * so the answers are written down: to make them with portable code took 60 ms of CPU, most of it for tables of a curve
 * that nobody used again.
 */

const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)
const isHex = (bytes: Uint8Array | undefined, hex: string): boolean =>
  bytes !== undefined && Buffer.from(bytes).toString('hex') === hex

const DH_PRIVATE = filled(DH_BYTES, 0x77)
const DH_PUBLIC = '1cf579aba45a10ba1d1ef06d91fca2aa9ed0a1150515653155405d0b18cb9a67'
const DH_REMOTE = '7b0d47d93427f8311160781c7c733fd89f88970aef490d8aa0ee19a4cb8a1b14'
const DH_SHARED = '03068439939f927e3b624ed92189af7f66a6cf9c8d5817399d760992ab135947'

export function answersDh(dh: DiffieHellman): boolean {
  const pair = dh.fromPrivate(DH_PRIVATE)
  const shared = pair.agree(dh.readPublic(Buffer.from(DH_REMOTE, 'hex')))
  return isHex(pair.publicKey, DH_PUBLIC) && isHex(shared, DH_SHARED) && agreesWithItself(dh)
}

function agreesWithItself(dh: DiffieHellman): boolean {
  const [one, other] = [dh.generate(), dh.generate()]
  const shared = one.agree(dh.readPublic(other.publicKey))
  return Buffer.compare(shared, other.agree(dh.readPublic(one.publicKey))) === 0
}

const KEM_SEED = filled(64, 7)
const KEM_PUBLIC_SHA256 = 'c12e9e39db6758fc2ba63a638785b04f8efe3d7df23ba09803b4e39ba2fbc707'
/** FIPS 203 section 6.3: the secret that a ciphertext gives which nobody made. It is decrypted and made again on the way. */
const KEM_REJECTED = '693c5f50285d2d756f65081675818da65807c9f43a2990eb917e3946458c009b'

/** @param hash one that has answered rightly */
export function answersKem(kem: Kem, hash: Hash): boolean {
  const pair = kem.fromSeed(KEM_SEED)
  const { ciphertext, sharedSecret } = kem.encapsulate(kem.generate().publicKey)
  const back = kem.encapsulate(pair.publicKey)
  return (
    isHex(hash.digest(pair.publicKey), KEM_PUBLIC_SHA256) &&
    isHex(pair.decapsulate(filled(KEM_CIPHERTEXT_BYTES, 7)), KEM_REJECTED) &&
    Buffer.compare(pair.decapsulate(back.ciphertext), back.sharedSecret) === 0 &&
    ciphertext.length === KEM_CIPHERTEXT_BYTES &&
    Buffer.compare(sharedSecret, back.sharedSecret) !== 0
  )
}

const HASH_INPUT = filled(32, 7)
const DIGEST = '6cfeeb3aa25d3f411dae5eec17d7369ca7153e72dcf54bcf4c3daec0f5b21fc7'
const HKDF = [
  '03f6200d0615e79409480907295b0e04d9e10eab57182e67d556a2814241a5f1',
  'da51bbeb45768931ac8f7f053a5688e9c73ddb0d2049231a08da8f274f5c8a16',
] as const

export function answersHash(hash: Hash): boolean {
  const outputs = hash.hkdf2(HASH_INPUT, HASH_INPUT)
  return (
    isHex(hash.digest(HASH_INPUT, HASH_INPUT), DIGEST) && HKDF.every((hex, at) => isHex(outputs[at], hex))
  )
}

const AEAD_NONCE = filled(12, 5)
const AEAD_TEXT = filled(32, 7)
const SEALED: Readonly<Record<AeadKind, readonly [text: string, tag: string]>> = {
  aesgcm: [
    '1125d863b5db1046ad09cd04d4e0405530407f367631f11c201a5e0a0c2cd23f',
    '75f8c05cc328a35ee9d52a4ede5382f8',
  ],
  chachapoly: [
    'fbe8fa04cd8de4e15ecb8f3c1db82b47bb185cc945e407d9e925a9abd7b49670',
    '2796d524fcc5ec15b79551313e24648f',
  ],
}

export function answersAead(aead: Aead): boolean {
  const key = aead.key(filled(32, 3))
  const [text, tag] = SEALED[aead.kind]
  const sealed = Buffer.concat(key.seal(AEAD_NONCE, AEAD_TEXT, [AEAD_TEXT]))
  const open = (end: Buffer): Uint8Array[] | undefined =>
    key.open(AEAD_NONCE, AEAD_TEXT, [Buffer.from(text, 'hex')], end)
  const opened = open(Buffer.from(tag, 'hex'))
  return (
    isHex(sealed, text + tag) &&
    opened !== undefined &&
    Buffer.compare(Buffer.concat(opened), AEAD_TEXT) === 0 &&
    open(Buffer.alloc(tag.length / 2)) === undefined
  )
}
