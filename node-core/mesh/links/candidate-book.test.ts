import { describe, expect, it } from 'vitest'
import type { PeerId } from '../../domain/ids.ts'
import type { Standing } from '../membership/events.ts'
import { createCandidateBook, rotate } from './candidate-book.ts'

const SELF = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp' as PeerId
const ANNA = '12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD' as PeerId
const CORA = '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo' as PeerId
const BERT = '12D3KooWLRPJAA5o6FhTRLBpVTfTyWmBRzDWBRrZa6d3ZhTPxUdK' as PeerId

const member = (peer: PeerId, addresses: readonly string[], standing: Standing = 'member') => ({
  peer,
  standing,
  record: { addresses },
})
const bookOf = (
  members: readonly ReturnType<typeof member>[],
  reached: readonly string[] = [],
  named: readonly string[] = [],
  found: readonly string[] = [],
) =>
  createCandidateBook(
    SELF,
    { members: () => members, events: { on: () => () => {} } },
    {
      reached: { of: () => reached, remember: () => {} },
      found: { of: () => found, onFound: () => () => {} },
    },
    named,
  )

describe('candidate book', () => {
  it('holds members other than this node, and whom a person named', () => {
    const book = bookOf(
      [member(SELF, []), member(ANNA, []), member(CORA, [], 'revoked')],
      [],
      [
        `/ip4/10.0.0.9/tcp/1/p2p/${BERT}`,
        `/ip4/10.0.0.1/tcp/1/p2p/${SELF}`,
        '/ip4/10.0.0.8/tcp/1',
        '/ip4/10.0.0.9/tcp/1',
        'nonsense',
      ],
    )
    expect(book.peers()).toEqual([BERT, ANNA])
    expect(book.isPinned(BERT)).toBe(true)
    expect(book.isPinned(ANNA)).toBe(false)
    expect([BERT, ANNA].map(book.hasOwnWay)).toEqual([true, false])
    expect(bookOf([member(ANNA, [])], ['/ip4/10.0.0.5/tcp/7']).hasOwnWay(ANNA)).toBe(true)
    expect(book.anonymous).toEqual(['/ip4/10.0.0.8/tcp/1'])
  })

  it('puts first what worked before, names the peer in each, and drops what it cannot dial', () => {
    const record = ['/ip4/10.0.0.2/tcp/1', `/ip4/10.0.0.3/tcp/1/p2p/${BERT}`, '/ip4/10.0.0.4/udp/1', 'x']
    const book = bookOf([member(ANNA, record)], ['/ip4/10.0.0.5/tcp/7', '/ip4/10.0.0.2/tcp/1'])
    expect(book.addressesOf(ANNA)).toEqual([
      `/ip4/10.0.0.5/tcp/7/p2p/${ANNA}`,
      `/ip4/10.0.0.2/tcp/1/p2p/${ANNA}`,
    ])
  })

  it('puts before all else where a member was heard of just now', () => {
    const book = bookOf(
      [member(ANNA, ['/ip4/10.0.0.2/tcp/1'])],
      ['/ip4/10.0.0.5/tcp/7'],
      [],
      ['/ip4/10.0.0.9/tcp/1', '/ip4/10.0.0.2/tcp/1'],
    )
    expect(book.addressesOf(ANNA)).toEqual([
      `/ip4/10.0.0.9/tcp/1/p2p/${ANNA}`,
      `/ip4/10.0.0.2/tcp/1/p2p/${ANNA}`,
      `/ip4/10.0.0.5/tcp/7/p2p/${ANNA}`,
    ])
  })

  it('starts each dial at another address after failures', () => {
    expect(rotate(['a', 'b', 'c'], 0)).toEqual(['a', 'b', 'c'])
    expect(rotate(['a', 'b', 'c'], 4)).toEqual(['b', 'c', 'a'])
    expect(rotate([], 4)).toEqual([])
  })
})
