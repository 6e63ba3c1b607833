import { inspect } from 'node:util'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { MessageStream, MultiaddrConnection, PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../tests/helpers/eventually.ts'
import {
  admitting,
  codeOf,
  connectionOf,
  createEnd,
  type Ends,
  handshake,
  names,
  settle,
  string,
  text,
} from '../../tests/helpers/handshake-ends.ts'
import { type Admission, type HandshakeBinding, MAX_PROOF_BYTES } from './admission-port.ts'
import { createMeshNoise, createPublishedNoise } from './noise-hfs.ts'
import type { Implementation } from './primitives.ts'

async function exchange(from: MessageStream, to: MessageStream, message: string): Promise<void> {
  let heard = ''
  to.addEventListener('message', (event) => {
    heard += string(event.data.subarray())
  })
  from.send(text(message))
  await eventually('the message has arrived', () => heard === message)
}

const rejections: unknown[] = []
const onRejection = (reason: unknown): void => {
  rejections.push(reason)
}
beforeAll(() => process.on('unhandledRejection', onRejection))
afterAll(() => {
  process.off('unhandledRejection', onRejection)
  expect(rejections).toEqual([])
})

describe('the encrypters', () => {
  it('secure a connection with both suites and the published profile, native and portable', async () => {
    const implementations: readonly Implementation[] = ['native', 'noble']
    const make = [
      (implementation: Implementation) => ({
        parts: createMeshNoise({ admission: admitting }, { implementation }),
      }),
      (implementation: Implementation) => ({
        parts: createMeshNoise({ admission: admitting }, { implementation }),
        suite: 1,
      }),
      (implementation: Implementation) => ({ parts: createPublishedNoise({}, { implementation }) }),
    ]
    for (const end of make) {
      for (const mine of implementations) {
        for (const theirs of implementations) {
          const { a, b, outbound, inbound } = await handshake({
            initiator: end(mine),
            responder: end(theirs),
          })
          const [out, inn] = [connectionOf(outbound), connectionOf(inbound)]
          expect(out.remotePeer.equals(b.peer) && inn.remotePeer.equals(a.peer)).toBe(true)
          expect(out.streamMuxer?.protocol).toBe('/yamux/1.0.0')
          await exchange(out.connection, inn.connection, 'there')
          await exchange(inn.connection, out.connection, 'and back')
          expect([names(a), names(b)]).toEqual([['secured'], ['secured']])
          expect(b.gate.handshakes).toBe(0)
        }
      }
    }
  })

  it('give the admission what both ends agree on', async () => {
    const seen: Record<string, HandshakeBinding> = {}
    const watching: Admission = {
      async prove(binding, signal) {
        seen['prove'] = binding
        return await admitting.prove(binding, signal)
      },
      async judge(binding, proof, signal) {
        seen['judge'] = binding
        expect(string(proof)).toBe('let me in')
        return await admitting.judge(binding, proof, signal)
      },
      async judgeReply(binding, reply, signal) {
        seen['judgeReply'] = binding
        expect(string(reply)).toBe('welcome')
        return await admitting.judgeReply(binding, reply, signal)
      },
    }
    const parts = () => ({ parts: createMeshNoise({ admission: watching }) })
    const { a, b } = await handshake({ initiator: parts(), responder: parts() })
    const { prove, judge, judgeReply } = seen
    expect(prove?.remotePeer).toBe(b.peer.toString())
    expect(judge?.remotePeer).toBe(a.peer.toString())
    expect(prove?.finalHash).toBeUndefined()
    for (const binding of [judge, judgeReply]) {
      expect(hex(binding?.initiatorHash)).toBe(hex(prove?.initiatorHash))
      expect(hex(binding?.finalHash)).toBe(hex(judge?.finalHash))
    }
    expect(hex(judge?.finalHash)).not.toBe(hex(judge?.initiatorHash))
    expect(prove?.selectedSuite).toBe('/x0t/noise-hfs/1/aesgcm')
    expect(prove?.localSuites).toEqual(['/x0t/noise-hfs/1/aesgcm', '/x0t/noise-hfs/1/chachapoly'])
    expect(judge?.remoteAddress).toMatch(/^\/ip4\/127\.0\.0\.1\/tcp\//)
  })

  it('export one secret to both ends of a handshake, and none once it is over', async () => {
    const secrets: (Uint8Array | undefined)[] = []
    const exports: ((() => Uint8Array | undefined) | undefined)[] = []
    const take = ({ exportSecret }: HandshakeBinding): void => {
      secrets.push(exportSecret?.())
      exports.push(exportSecret)
    }
    const taking: Admission = {
      async prove(binding, signal) {
        expect(binding.exportSecret).toBeUndefined()
        return await admitting.prove(binding, signal)
      },
      async judge(binding, proof, signal) {
        take(binding)
        return await admitting.judge(binding, proof, signal)
      },
      async judgeReply(binding, reply, signal) {
        take(binding)
        return await admitting.judgeReply(binding, reply, signal)
      },
    }
    for (const implementation of ['native', 'noble'] as const) {
      const noise = () => ({ parts: createMeshNoise({ admission: taking }, { implementation }) })
      await handshake({ initiator: noise(), responder: noise() })
    }
    const [first, second, third, fourth] = secrets.map(hex)
    expect(first).toMatch(/^(?!0{64})[0-9a-f]{64}$/)
    expect([second, fourth]).toEqual([first, third])
    expect(third).not.toBe(first)
    expect(exports.map((again) => again?.())).toEqual([undefined, undefined, undefined, undefined])
  })

  /** Asks once for another proof, whatever C carried, and judges that one as `admitting` does. */
  const askingAgain: Admission = {
    prove: async () => text('a ticket'),
    judge: async ({ attempt }, proof) =>
      attempt === 1
        ? { kind: 'again', reply: text('again') }
        : { kind: 'admit', reply: Buffer.concat([text('welcome, '), proof]) },
    judgeReply: async ({ attempt }, reply) => {
      if (attempt === 1) return { kind: 'again', proof: text('everything') }
      expect(string(reply)).toBe('welcome, everything')
      return { kind: 'admitted' }
    },
  }
  const askedBy = (admission: Admission) => ({ parts: createMeshNoise({ admission }) })

  it('carry a second proof and its answer when the responder asks for one, and then the data', async () => {
    const ends = { initiator: askedBy(askingAgain), responder: askedBy(askingAgain) }
    const { a, b, outbound, inbound } = await handshake(ends)
    const [out, inn] = [connectionOf(outbound), connectionOf(inbound)]
    await exchange(out.connection, inn.connection, 'there')
    await exchange(inn.connection, out.connection, 'and back')
    expect([names(a), names(b)]).toEqual([['secured'], ['secured']])
  })

  it('ask once and no more', async () => {
    const insisting: Admission = {
      ...askingAgain,
      judge: async () => ({ kind: 'again', reply: text('again') }),
    }
    const asked = await handshake({ initiator: askedBy(askingAgain), responder: askedBy(insisting) })
    expect(codeOf(asked.inbound)).toBe('ADMISSION_BROKEN')
    expect(codeOf(asked.outbound)).toBe('CONNECTION_LOST')
    const yielding: Admission = {
      ...askingAgain,
      judgeReply: async () => ({ kind: 'again', proof: text('everything') }),
    }
    const gave = await handshake({ initiator: askedBy(yielding), responder: askedBy(askingAgain) })
    expect(codeOf(gave.outbound)).toBe('ADMISSION_BROKEN')
  })

  it('take no second proof that is larger than the first may be', async () => {
    const verbose: Admission = {
      ...askingAgain,
      judgeReply: async () => ({ kind: 'again', proof: new Uint8Array(MAX_PROOF_BYTES + 1) }),
    }
    const { outbound } = await handshake({ initiator: askedBy(verbose), responder: askedBy(askingAgain) })
    expect(codeOf(outbound)).toBe('ADMISSION_BROKEN')
  })

  it('resolve on the dialling side only after a good D', async () => {
    let release: (() => void) | undefined
    const slow: Admission = {
      ...admitting,
      judge: async () => {
        await new Promise<void>((resolve) => {
          release = resolve
        })
        return { kind: 'admit', reply: text('welcome') }
      },
    }
    const [out, inn] = multiaddrConnectionPair()
    const a = await createEnd({ parts: createMeshNoise({ admission: admitting }) })
    const b = await createEnd({ parts: createMeshNoise({ admission: slow }) })
    let resolved = false
    const outbound = a.encrypter.secureOutbound(out).then(() => {
      resolved = true
    })
    const inbound = b.encrypter.secureInbound(inn)
    await eventually('the responder is judging', () => release !== undefined)
    await new Promise((resolve) => setImmediate(resolve))
    expect([resolved, names(a)]).toEqual([false, []])
    release?.()
    await Promise.all([outbound, inbound])
    expect(resolved).toBe(true)
  })

  it('tell both ends of a refusal by the responder, with its code', async () => {
    const refusing: Admission = {
      ...admitting,
      judge: async () => ({
        kind: 'refuse',
        reply: text('no'),
        code: 'REVOKED',
        reason: 'revoked on Monday',
      }),
    }
    const asking: Admission = {
      ...admitting,
      judgeReply: async (_binding, reply) => ({ kind: 'refused', code: 'REVOKED', reason: string(reply) }),
    }
    const { a, b, inn, outbound, inbound } = await handshake({
      initiator: { parts: createMeshNoise({ admission: asking }) },
      responder: { parts: createMeshNoise({ admission: refusing }) },
    })
    expect([codeOf(outbound), codeOf(inbound)]).toEqual(['REFUSED', 'REFUSED'])
    expect(a.events).toMatchObject([
      { name: 'refused', event: { by: 'remote', code: 'REVOKED', reason: 'no' } },
    ])
    expect(b.events).toMatchObject([
      {
        name: 'refused',
        event: { by: 'local', code: 'REVOKED', reason: 'revoked on Monday', peer: a.peer.toString() },
      },
    ])
    // Closed and not reset: a reset may overtake the answer.
    expect(inn.status).toBe('closed')
    expect(b.gate.handshakes).toBe(0)
  })

  it('let the initiator refuse the responder', async () => {
    const picky: Admission = {
      ...admitting,
      judgeReply: async () => ({ kind: 'refused', by: 'local', code: 'WRONG_MESH', reason: 'another mesh' }),
    }
    const { a, out, outbound } = await handshake({
      initiator: { parts: createMeshNoise({ admission: picky }) },
    })
    expect(codeOf(outbound)).toBe('REFUSED')
    expect(a.events).toMatchObject([{ name: 'refused', event: { by: 'local', code: 'WRONG_MESH' } }])
    expect(out.status).not.toBe('open')
  })

  it('end the upgrade of an exchange that is complete, at both ends', async () => {
    const joining: Admission = { ...admitting, judgeReply: async () => ({ kind: 'end' }) }
    const issuing: Admission = {
      ...admitting,
      judge: async () => ({ kind: 'end', reply: text('your certificate') }),
    }
    const { a, b, outbound, inbound } = await handshake({
      initiator: { parts: createMeshNoise({ admission: joining }) },
      responder: { parts: createMeshNoise({ admission: issuing }) },
    })
    expect([codeOf(outbound), codeOf(inbound)]).toEqual(['EXCHANGE_ENDED', 'EXCHANGE_ENDED'])
    expect([names(a), names(b)]).toEqual([['ended'], ['ended']])
  })

  it('refuse another peer than the one that was dialled, before it is shown anything', async () => {
    const other = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    let proofs = 0
    const counting: Admission = {
      ...admitting,
      prove: async () => {
        proofs += 1
        return text('proof')
      },
    }
    const { a, b, outbound, inbound } = await handshake({
      initiator: { parts: createMeshNoise({ admission: counting }) },
      dialled: other,
    })
    expect(codeOf(outbound)).toBe('WRONG_PEER')
    expect(codeOf(inbound)).toBe('CONNECTION_LOST')
    expect(proofs).toBe(0)
    expect(a.events).toMatchObject([
      {
        name: 'failed',
        event: { fault: { code: 'WRONG_PEER', expected: other.toString(), actual: b.peer.toString() } },
      },
    ])
  })

  it('refuse an identity that did not sign the static key', async () => {
    const [victim, thief] = await Promise.all([generateKeyPair('Ed25519'), generateKeyPair('Ed25519')])
    const stolen: PrivateKey = Object.create(victim, { sign: { value: thief.sign.bind(thief) } })
    const end = () => ({ parts: createMeshNoise({ admission: admitting }), privateKey: stolen })
    expect(codeOf((await handshake({ initiator: end() })).inbound)).toBe('BAD_IDENTITY')
    const { a, outbound } = await handshake({ responder: end(), dialled: peerIdFromPrivateKey(victim) })
    expect(codeOf(outbound)).toBe('BAD_IDENTITY')
    expect(a.events).toMatchObject([{ name: 'failed', event: { peer: undefined } }])
  })

  it('refuse an identity that signed another static key', async () => {
    const privateKey = await generateKeyPair('Ed25519')
    const signatures: (Uint8Array | Promise<Uint8Array>)[] = []
    const repeating: PrivateKey = Object.create(privateKey, {
      sign: {
        value: (data: Uint8Array) => {
          signatures.push(privateKey.sign(data))
          return signatures[0]
        },
      },
    })
    const end = () => ({ parts: createMeshNoise({ admission: admitting }), privateKey: repeating })
    expect(codeOf((await handshake({ initiator: end() })).inbound)).toBe('secured')
    expect(codeOf((await handshake({ initiator: end() })).inbound)).toBe('BAD_IDENTITY')
  })

  it('refuse another suite, and the published profile where the mesh is spoken', async () => {
    const mesh = () => createMeshNoise({ admission: admitting })
    const pairs: Ends[] = [
      { initiator: { parts: mesh(), suite: 0 }, responder: { parts: mesh(), suite: 1 } },
      { initiator: { parts: createPublishedNoise() }, responder: { parts: mesh(), suite: 0 } },
      { initiator: { parts: mesh(), suite: 0 }, responder: { parts: createPublishedNoise() } },
    ]
    for (const ends of pairs) expect(codeOf((await handshake(ends)).outbound)).toBe('NOT_AUTHENTIC')
    // The published profile and the mesh's ChaCha suite are one Noise protocol, but not one exchange.
    const crossed = await handshake({
      initiator: { parts: createPublishedNoise() },
      responder: { parts: mesh(), suite: 1 },
    })
    expect(['MESSAGE_MALFORMED', 'MESSAGE_TOO_LARGE']).toContain(codeOf(crossed.inbound))
  })

  it('choose the first muxer of the initiator that both have, and none when there is none', async () => {
    const parts = () => createMeshNoise({ admission: admitting })
    const both = await handshake({
      initiator: { parts: parts(), muxers: ['/a', '/b', '/c'] },
      responder: { parts: parts(), muxers: ['/c', '/b'] },
    })
    expect(connectionOf(both.outbound).streamMuxer?.protocol).toBe('/b')
    expect(connectionOf(both.inbound).streamMuxer?.protocol).toBe('/b')
    const none = await handshake({
      initiator: { parts: parts(), muxers: ['/a'] },
      responder: { parts: parts(), muxers: ['/b'] },
    })
    expect([codeOf(none.outbound), codeOf(none.inbound)]).toEqual(['NO_COMMON_MUXER', 'NO_COMMON_MUXER'])
    const later = await handshake({ responder: { parts: parts(), muxers: [] } })
    expect(connectionOf(later.outbound).streamMuxer).toBeUndefined()
  })

  it('take an admission that throws, hangs on, or makes too much for their own mistake', async () => {
    const broken: Partial<Admission>[] = [
      { prove: () => Promise.reject(new Error('no certificate')) },
      { prove: async () => new Uint8Array(MAX_PROOF_BYTES + 1) },
      { judgeReply: () => Promise.reject(new Error('a bug')) },
    ]
    for (const part of broken) {
      const parts = createMeshNoise({ admission: { ...admitting, ...part } })
      expect(codeOf((await handshake({ initiator: { parts } })).outbound)).toBe('ADMISSION_BROKEN')
    }
    const atResponder: Partial<Admission>[] = [
      { judge: () => Promise.reject(new Error('a bug')) },
      { judge: async () => ({ kind: 'admit', reply: new Uint8Array(MAX_PROOF_BYTES + 1) }) },
    ]
    for (const part of atResponder) {
      const parts = createMeshNoise({ admission: { ...admitting, ...part } })
      expect(codeOf((await handshake({ responder: { parts } })).inbound)).toBe('ADMISSION_BROKEN')
    }
  })

  it('carry the largest proof and the largest answer', async () => {
    const large: Admission = {
      ...admitting,
      prove: async () => new Uint8Array(MAX_PROOF_BYTES).fill(1),
      judge: async (_binding, proof) => ({ kind: 'admit', reply: proof }),
      judgeReply: async (_binding, reply) =>
        reply.length === MAX_PROOF_BYTES ? { kind: 'admitted' } : { kind: 'end' },
    }
    const parts = () => ({ parts: createMeshNoise({ admission: large }) })
    const { outbound, inbound } = await handshake({ initiator: parts(), responder: parts() })
    expect([codeOf(outbound), codeOf(inbound)]).toEqual(['secured', 'secured'])
  })

  it('end a handshake with a signal', async () => {
    const [out] = multiaddrConnectionPair()
    const a = await createEnd({ parts: createMeshNoise({ admission: admitting }) })
    const controller = new AbortController()
    const outbound = settle(a.encrypter.secureOutbound(out, { signal: controller.signal }))
    controller.abort()
    expect(codeOf(await outbound)).toBe('HANDSHAKE_ABORTED')
    expect(names(a)).toEqual(['failed'])
  })

  it('leave no listener behind on the raw connection but the stream’s own', async () => {
    const { out, inn } = await handshake({})
    for (const raw of [out, inn]) {
      const counts = ['message', 'close', 'remoteCloseWrite', 'drain'].map((name) => listenerCount(raw, name))
      // 'close' and 'drain' have listeners of libp2p's own classes as well.
      expect(counts[0]).toBe(1)
      expect(counts[2]).toBe(1)
    }
    const refused = await handshake({ dialled: peerIdFromPrivateKey(await generateKeyPair('Ed25519')) })
    expect(listenerCount(refused.out, 'message')).toBe(0)
    expect(listenerCount(refused.out, 'remoteCloseWrite')).toBe(0)
  })

  it('show no secret in events and errors', async () => {
    const privateKey = await generateKeyPair('Ed25519')
    const { a, outbound } = await handshake({ dialled: peerIdFromPrivateKey(privateKey) })
    const shown = inspect([a.events, outbound], { depth: 20 })
    expect(shown).toContain('WRONG_PEER')
    // Neither bytes of any kind nor keys are in what is logged of a handshake.
    expect(shown).not.toMatch(/Buffer|Uint8Array|KeyObject|privateKey|chainingKey/i)
  })
})

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex')

function listenerCount(target: MultiaddrConnection, name: string): number {
  const counted = target as MultiaddrConnection & { listenerCount?: (type: string) => number }
  return counted.listenerCount?.(name) ?? -1
}
