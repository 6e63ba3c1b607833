import { describe, expect, it } from 'vitest'
import { type Renewable, renewalOutlook } from './renewal-outlook.ts'

const HOUR_MS = 3_600_000
const LIFE_MS = 7 * 24 * HOUR_MS

const member = (name: string, leftHours: number, more: Partial<Renewable> = {}): Renewable => ({
  ...{ name, role: 'operator', issuing: false },
  ...{ issuedAt: leftHours * HOUR_MS - LIFE_MS, expiresAt: leftHours * HOUR_MS },
  ...more,
})
const owner = member('anna', 160, { role: 'owner', issuing: true })
const admin = member('ben', 160, { role: 'admin', issuing: true })

describe('the outlook on renewal', () => {
  it('warns of each certificate three days, a day and an hour before its end, and says who could renew it', () => {
    const at = (hours: number) => renewalOutlook([owner, admin, member('clara', hours)], 0).ending
    expect(at(73)).toEqual([])
    expect(at(72)).toEqual([{ name: 'clara', leftMs: 72 * HOUR_MS, urgency: 'early', by: ['anna', 'ben'] }])
    expect(at(24)).toMatchObject([{ urgency: 'soon' }])
    expect(at(1)).toMatchObject([{ urgency: 'last' }])
    const admins = renewalOutlook([owner, admin, member('carl', 5, { role: 'admin' })], 0).ending
    expect(admins).toMatchObject([{ by: ['anna'] }])
    expect(
      renewalOutlook([{ ...owner, issuedAt: -LIFE_MS, expiresAt: HOUR_MS }, admin], 0).ending,
    ).toMatchObject([{ name: 'anna', by: [] }])
  })

  it('names the one to end first first, and none of short life that is in good order', () => {
    const short = member('dora', 0, { issuedAt: 0, expiresAt: HOUR_MS })
    expect(renewalOutlook([owner, admin, short], 0.4 * HOUR_MS).ending).toEqual([])
    const ending = renewalOutlook([owner, admin, member('clara', 30), short], 0.6 * HOUR_MS).ending
    expect(ending.map(({ name }) => name)).toEqual(['dora', 'clara'])
  })

  it('says long before that there is one issuer alone, and until when the others could do without it', () => {
    const members = [owner, member('clara', 90), member('dora', 100)]
    expect(renewalOutlook(members, 0).onlyIssuer).toEqual({ name: 'anna', firstEndsAt: 90 * HOUR_MS })
    expect(renewalOutlook([...members, admin], 0).onlyIssuer).toBeUndefined()
    expect(renewalOutlook([owner], 0).onlyIssuer).toBeUndefined()
  })
})
