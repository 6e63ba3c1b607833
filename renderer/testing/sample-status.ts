import { parseNodeName, parsePeerId } from '../../node-core/domain/ids.ts'
import type { NodeLink, NodeStatus } from '../bridge/status.ts'

const ALPHABET = 'abcdefgh'

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a sample is not valid')
  return value
}

const peerNumber = (index: number) => must(parsePeerId(`12D3KooW${(ALPHABET[index] ?? 'z').repeat(44)}`))

/** A link to the node of that name, healthy unless told otherwise. */
export function sampleLink(name: string, index: number, over: Partial<NodeLink> = {}): NodeLink {
  return {
    peer: peerNumber(index),
    name: must(parseNodeName(name)),
    state: 'up',
    rttMs: 12.34,
    lossEstimate: 0,
    suite: '/x0t/noise-hfs/1/aesgcm',
    sinceMs: 192_000,
    ...over,
  }
}

/** The status of a node called berlin. */
export function sampleStatus(over: Partial<NodeStatus> = {}): NodeStatus {
  return {
    schema: 1,
    node: {
      name: must(parseNodeName('berlin')),
      peerId: peerNumber(0),
      mesh: 'home',
      state: 'up',
      version: '0.1.0',
      keystore: 'keyfile',
    },
    links: [sampleLink('paris', 1), sampleLink('oslo', 2)],
    members: [],
    services: [],
    forwards: [],
    socks: [],
    health: [],
    ...over,
  }
}
