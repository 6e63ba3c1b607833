import { describe, expect, it } from 'vitest'
import { incidentOf } from '../../../tests/helpers/incidents.ts'
import { planOf } from '../../../tests/helpers/plan-store.ts'
import type { Incident } from '../../domain/incident.ts'
import { createAlertSource } from './alert-source.ts'

const NOW = 1_700_000_100_000
const eventOf = (before: Incident | undefined, after: Incident): string | undefined =>
  createAlertSource().ofIncident(before, after, NOW)?.event

describe('people are told', () => {
  it('of a fault when it begins, gets worse, is left to them, and ends, once each', () => {
    const incident = incidentOf()
    const worse = incidentOf({ severity: 'critical' })
    const left = incidentOf({ state: 'escalated' })
    const over = incidentOf({ state: 'resolved' })
    expect(eventOf(undefined, incident)).toBe('opened')
    expect(eventOf(incident, incidentOf({ confidence: 1 }))).toBeUndefined()
    expect(eventOf(incident, worse)).toBe('opened')
    expect(eventOf(worse, incident)).toBeUndefined()
    expect(eventOf(incident, left)).toBe('escalated')
    expect(eventOf(left, incidentOf({ state: 'escalated', confidence: 1 }))).toBeUndefined()
    expect(eventOf(left, over)).toBe('resolved')
    expect(eventOf(over, over)).toBeUndefined()
    expect(eventOf(undefined, over)).toBeUndefined()
  })

  it('nothing of an incident that somebody has silenced, for as long as that', () => {
    const silenced = (until: number): Incident =>
      incidentOf({ people: { ...incidentOf().people, silencedUntil: until } })
    expect(eventOf(undefined, silenced(NOW + 1))).toBeUndefined()
    expect(eventOf(undefined, silenced(NOW))).toBe('opened')
  })

  it('once of each plan that waits for a yes', () => {
    const source = createAlertSource()
    const [waiting, incident] = [planOf({ state: 'waiting' }), incidentOf()]
    expect(source.ofPlan(planOf({ state: 'running' }), incident, NOW)).toBeUndefined()
    expect(source.ofPlan(waiting, incident, NOW)).toMatchObject({ event: 'approval', plan: waiting.id })
    expect(source.ofPlan({ ...waiting, reason: 'one yes of two' }, incident, NOW)).toBeUndefined()
  })

  it('with what is known of the cause, and with what ended it', () => {
    const source = createAlertSource()
    const incident = incidentOf()
    expect(source.ofIncident(undefined, incident, NOW)).toMatchObject({
      ...{ text: incident.diagnosis, title: incident.title, incident: incident.id, at: NOW },
    })
    const timeline = [{ at: NOW, kind: 'verification' as const, text: 'Three deliveries in a row.' }]
    const over = incidentOf({ state: 'resolved', timeline })
    expect(source.ofIncident(incident, over, NOW)?.text).toBe('Three deliveries in a row.')
  })
})
