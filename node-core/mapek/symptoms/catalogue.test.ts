import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { SYMPTOMS, type SymptomCode, symptomsTable } from './catalogue.ts'

describe('the catalogue of symptoms', () => {
  it('is what docs/symptoms.md says', () => {
    const text = readFileSync(new URL('../../../docs/symptoms.md', import.meta.url), 'utf8')
    expect(text).toContain(symptomsTable())
  })

  it('has a code for every fault that a mesh is expected to have', () => {
    // By the numbers of the list of faults that the evaluations replay.
    const rows: Readonly<Record<number, SymptomCode>> = {
      ...{
        1: 'node-down',
        2: 'node-down',
        3: 'link-down',
        4: 'link-down',
        5: 'link-one-way',
        6: 'link-lossy',
      },
      ...{ 7: 'link-slow', 8: 'link-congested', 9: 'link-flapping', 10: 'mesh-partition', 11: 'uplink-down' },
      ...{ 12: 'service-down', 13: 'service-slow', 14: 'certificate-expiring', 15: 'peer-misbehaving' },
      ...{ 16: 'handshake-failing', 17: 'clock-skew', 18: 'node-overloaded', 19: 'store-fault' },
      ...{ 20: 'config-drift', 21: 'isolated', 22: 'storm', 23: 'loop-fault' },
    }
    expect(Object.keys(rows)).toHaveLength(23)
    expect(Object.values(rows).filter((code) => SYMPTOMS[code] === undefined)).toEqual([])
  })

  it('explains by codes that exist, and by none that needs it in turn', () => {
    const causes = new Map(Object.entries(SYMPTOMS).map(([code, { dependsOn }]) => [code, [...dependsOn]]))
    const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
      (causes.get(from) ?? []).some(
        (next) => next === to || (!seen.has(next) && reaches(next, to, seen.add(next))),
      )
    for (const [code, dependsOn] of causes) {
      expect(dependsOn.filter((cause) => !causes.has(cause))).toEqual([])
      expect(reaches(code, code)).toBe(false)
    }
  })
})
