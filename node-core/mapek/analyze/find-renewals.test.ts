import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { type PeerId, parsePeerId } from '../../domain/ids.ts'
import type { Role } from '../../domain/role.ts'
import type { MemberFact, RenewableFact } from '../monitor/picture.ts'
import { createRenewalWarnings } from './find-renewals.ts'

const HOUR_MS = 3_600_000
const PATIENCE_MS = 60_000
const peerOf = (name: string): PeerId =>
  parsePeerId(`12D3KooW${name[0]?.toUpperCase()}${'1'.repeat(43)}`) ?? expect.fail(name)

/** Ada looks; clara is the only issuer. The others have lived a week. */
function scene() {
  const clock = createManualClock()
  const away = new Set<string>()
  const facts = new Map<string, RenewableFact>()
  const holds = (name: string, leftHours: number, more: Partial<RenewableFact> = {}): void => {
    const times = { issuedAt: clock.now() - 168 * HOUR_MS, expiresAt: clock.now() + leftHours * HOUR_MS }
    const role: Role = name === 'clara' ? 'owner' : 'none'
    facts.set(name, { peer: peerOf(name), name, role, issuing: name === 'clara', ...times, ...more })
  }
  for (const name of ['ada', 'boris', 'clara', 'dora']) holds(name, 168)
  const find = createRenewalWarnings({ now: clock.now, self: peerOf('ada') })
  const look = () => {
    const members = [...facts.keys()]
      .filter((name) => name !== 'ada')
      .map(
        (name): MemberFact => ({
          ...{ peer: peerOf(name), reachable: !away.has(name), version: '1', policy: 1, neighbours: [] },
        }),
      )
    return find({ members, renewables: [...facts.values()] })
  }
  return {
    ...{ clock, away, holds, look },
    /** What is still found when it lasts. */
    lasting() {
      look()
      clock.advance(PATIENCE_MS)
      return look()
    },
  }
}

describe('the warnings before certificates can no longer be renewed', () => {
  it('say nothing of who can be renewed, however little time is left', () => {
    const { holds, lasting, away } = scene()
    holds('boris', 0.5)
    expect(lasting()).toEqual([])
    away.add('dora')
    expect(lasting()).toEqual([])
  })

  it.each([
    [80, []],
    [71, ['info']],
    [24, ['warning']],
    [1, ['warning']],
  ])('say of a member that is away, %d hours before the end: %j', (left, severities) => {
    const { holds, lasting, away, clock, look } = scene()
    away.add('boris')
    holds('boris', left)
    const began = clock.now()
    const found = lasting()
    expect(found.map(({ severity }) => severity)).toEqual(severities)
    for (const one of found) {
      expect(one).toMatchObject({
        ...{ code: 'renewal-ending', firstSeenAt: began },
        subject: { kind: 'part', peer: peerOf('boris'), part: 'certificate' },
        text: expect.stringMatching(/boris is not there to have it renewed by clara/),
      })
    }
    away.delete('boris')
    expect(look()).toEqual([])
  })

  it('are one for all whom an issuer that is away leaves behind, and an emergency in the last hour', () => {
    const { holds, lasting, away, look } = scene()
    away.add('clara')
    holds('boris', 70)
    holds('dora', 0.5)
    const found = lasting()
    expect(found).toMatchObject([
      {
        ...{ severity: 'critical', subject: { kind: 'mesh' } },
        text: expect.stringMatching(/30 min|29 min/),
      },
    ])
    expect(found[0]?.text).toContain('dora, boris; clara could renew them')
    away.delete('clara')
    expect(look()).toEqual([])
  })

  it('name the authority where no issuer is left', () => {
    const { holds, lasting } = scene()
    holds('clara', 20)
    expect(lasting()).toMatchObject([
      { severity: 'warning', subject: { kind: 'mesh' }, text: expect.stringContaining('authority import') },
    ])
  })

  it('wait a minute, and are not about this node or about lives of minutes', () => {
    const { holds, away, look, clock, lasting } = scene()
    away.add('boris').add('clara')
    holds('ada', 0.5)
    const minute = { issuedAt: clock.now() - 50_000, expiresAt: clock.now() + 10_000 }
    holds('dora', 0, minute)
    expect(lasting()).toEqual([])
    holds('boris', 10)
    expect(look()).toEqual([])
    clock.advance(PATIENCE_MS - 1)
    expect(look()).toEqual([])
    clock.advance(1)
    expect(look()).toHaveLength(1)
  })
})
