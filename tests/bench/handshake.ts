/**
 * npm run bench:handshake
 *
 * New libp2p connections and single-stream throughput over stock `@chainsafe/libp2p-noise` and over our suites, native
 * and portable, without and with the mesh's admission: the first of two members, and one again by ticket. Everything is interleaved in one run; every host has libp2p's
 * defaults, but for the limits that would refuse so many connections from one address.
 */

import { createMembers, KINDS, STOCK } from './handshake-kinds.ts'
import { connectionCase, createLink, throughputCase } from './handshake-links.ts'
import { runBench } from './harness.ts'

const THROUGHPUT_SHARE = 0.05

await runBench({ name: 'handshake', defaultN: 300, warmup: 30 }, async (wanted) => {
  const closers: (() => Promise<void>)[] = []
  const cases = []
  for (const kind of KINDS) {
    const connect = `connect ${kind.name}`
    const throughput = `throughput ${kind.name}`
    if (![connect, throughput].some(wanted)) continue
    const members = await createMembers()
    const link = await createLink(kind, members)
    closers.push(members.close, link.close)
    cases.push(connectionCase(link, connect, kind === STOCK ? undefined : `connect ${STOCK.name}`))
    if (!kind.throughput) continue
    const compared = kind === STOCK ? undefined : `throughput ${STOCK.name}`
    cases.push(throughputCase(link, throughput, compared, THROUGHPUT_SHARE))
  }
  return {
    cases,
    async close() {
      for (const close of closers.toReversed()) await close()
    },
  }
})
