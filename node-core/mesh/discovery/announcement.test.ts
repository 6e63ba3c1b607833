import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NOW_MS, securityWorld } from '../../../tests/helpers/security-world.ts'
import type { MeshId } from '../../domain/ids.ts'
import { systemRandom } from '../../platform/random.ts'
import { openAnnouncement, sealAnnouncement } from './announcement.ts'
import { createLanTags } from './lan-tag.ts'
import { decodeMessage, encodeAnswer, encodeQuery, MAX_CONTENT_BYTES } from './mdns-packet.ts'

const HOUR_MS = 3_600_000
const world = securityWorld()
const other = securityWorld(2)
const node = world.member()
const { meshId } = world
const { peerId: peer } = node.identity
const tagsAt = createLanTags(meshId)
const [tag] = tagsAt(NOW_MS)
const said = { peer, address: '10.1.2.3', port: 4100, at: NOW_MS }
const seal = (what = said, key = node.identity.libp2pKey, mesh: MeshId = meshId): Promise<Uint8Array> =>
  sealAnnouncement({ random: systemRandom, key, meshId: mesh }, tag, what)

describe('the tag of a mesh', () => {
  it('is the same for all its nodes, another every hour, and another for every mesh', () => {
    expect(createLanTags(meshId)(NOW_MS)).toEqual(tagsAt(NOW_MS))
    const labels = [0, 1, 2, 3, 4].map((hours) => tagsAt(NOW_MS + hours * HOUR_MS)[0].label)
    labels.push(createLanTags(other.meshId)(NOW_MS)[0].label)
    expect(new Set(labels).size).toBe(labels.length)
    for (const label of labels) expect(label).toMatch(/^_[0-9a-f]{14}$/)
  })

  it('is known an hour early and an hour late, for clocks that differ', () => {
    const next = tagsAt(NOW_MS + HOUR_MS)
    expect(next.map(({ label }) => label)).toContain(tag.label)
    expect(tagsAt(NOW_MS).map(({ label }) => label)).toContain(next[0].label)
  })
})

describe('an announcement', () => {
  it('says who listens where, to whom knows the mesh', async () => {
    const opened = openAnnouncement(tag, await seal())
    expect(opened).toMatchObject(said)
    expect(await opened?.verify(meshId)).toBe(true)
  })

  it('fits a DNS string whatever it says', async () => {
    const longest = { ...said, address: '255.255.255.255', port: 65_535, at: 253_402_300_799_999 }
    expect((await seal(longest)).length).toBeLessThanOrEqual(MAX_CONTENT_BYTES)
  })

  it('shows nothing of the mesh, the node or where it is, and never looks the same twice', async () => {
    const packets = [await seal(), await seal()].map((content) =>
      Buffer.from(encodeAnswer(tag.label, content)),
    )
    expect(packets[0]?.equals(packets[1] ?? Buffer.alloc(0))).toBe(false)
    const telling = [
      Buffer.from(peer),
      Buffer.from(node.identity.key.publicKey.ed25519),
      Buffer.from(meshId),
      Buffer.from(meshId, 'hex'),
      Buffer.from('10.1.2.3'),
      Buffer.from([10, 1, 2, 3]),
      Buffer.from('x0t'),
    ]
    for (const packet of packets) {
      for (const secret of telling) expect(packet.includes(secret)).toBe(false)
    }
  })

  it('is not opened without the mesh, in another hour, or after a change of any bit', async () => {
    const content = await seal()
    expect(openAnnouncement(createLanTags(other.meshId)(NOW_MS)[0], content)).toBeUndefined()
    expect(openAnnouncement(tagsAt(NOW_MS + HOUR_MS)[0], content)).toBeUndefined()
    for (let bit = 0; bit < content.length * 8; bit++) {
      const changed = Uint8Array.from(content)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(openAnnouncement(tag, changed)).toBeUndefined()
    }
  })

  it('is not that of a node whose key did not sign it, for this mesh', async () => {
    const forger = world.member().identity.libp2pKey
    expect(await openAnnouncement(tag, await seal(said, forger))?.verify(meshId)).toBe(false)
    const elsewhere = openAnnouncement(tag, await seal(said, node.identity.libp2pKey, other.meshId))
    expect(await elsewhere?.verify(meshId)).toBe(false)
  })
})

describe('an mDNS message', () => {
  it('is what resolvers expect: a TXT record of _TAG._udp.local', () => {
    expect(Buffer.from(encodeQuery('_ab')).toString('latin1')).toBe(
      '\0\0\0\0\0\x01\0\0\0\0\0\0\x03_ab\x04_udp\x05local\0\0\x10\0\x01',
    )
    expect(Buffer.from(encodeAnswer('_ab', Uint8Array.of(7, 8))).toString('latin1')).toBe(
      '\0\0\x84\0\0\0\0\x01\0\0\0\0\x03_ab\x04_udp\x05local\0\0\x10\0\x01\0\0\0\x78\0\x03\x02\x07\x08',
    )
  })

  it('is read back, and nothing else is: not cut, not longer, not under another tag', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 255 }), (content) => {
        const answer = encodeAnswer(tag.label, content)
        expect(decodeMessage(tag.label, answer)).toEqual({ kind: 'answer', content })
        expect(decodeMessage('_other', answer)).toBeUndefined()
        expect(decodeMessage(tag.label, answer.subarray(0, -1))).toBeUndefined()
        expect(decodeMessage(tag.label, Uint8Array.from([...answer, 0]))).toBeUndefined()
      }),
    )
    const query = encodeQuery(tag.label)
    expect(decodeMessage(tag.label, query)).toEqual({ kind: 'query' })
    expect(decodeMessage(tag.label, Uint8Array.from([...query, 0]))).toBeUndefined()
  })

  it('of a stranger never throws and never opens', () => {
    const start = encodeAnswer(tag.label, Uint8Array.of(1)).subarray(0, -4)
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 600 }),
      fc.uint8Array({ maxLength: 300 }).map((rest) => Uint8Array.from([...start, ...rest])),
    )
    fc.assert(
      fc.property(hostile, (datagram) => {
        const message = decodeMessage(tag.label, datagram)
        if (message?.kind !== 'answer') return
        expect(message.content.length).toBeLessThanOrEqual(MAX_CONTENT_BYTES)
        expect(openAnnouncement(tag, message.content)).toBeUndefined()
      }),
      { numRuns: 3_000 },
    )
  })
})
