import type { PeerId } from '../../domain/ids.ts'
import { subjectKey } from '../../domain/subject.ts'
import { createSlowdown } from '../detect/slowdown.ts'
import type { Picture } from '../monitor/picture.ts'
import type { Finding } from './finding.ts'

const MAX_SERVICES = 256

interface Watched {
  readonly detector: ReturnType<typeof createSlowdown>
  /** Of the last check that was looked at. */
  at: number
  score: number
}

/** Services of this node whose check takes several times what it usually takes at this hour. */
export function createSlowServices(nameOf: (peer: PeerId) => string) {
  const watched = new Map<string, Watched>()
  return (picture: Picture): Finding[] => {
    const findings: Finding[] = []
    const present = new Set<string>()
    for (const { name, provider, check, state } of picture.services) {
      const subject = { kind: 'service', name, provider } as const
      const key = subjectKey(subject)
      present.add(key)
      // One that fails is not slow, and what was usual stays so.
      if (check === undefined || state !== 'healthy') continue
      const known = watched.get(key)
      // Until the past has been read nothing is known of what is usual.
      if (known === undefined && (check.pastMs === undefined || watched.size >= MAX_SERVICES)) continue
      const one = known ?? { detector: createSlowdown({ past: check.pastMs ?? [] }), at: 0, score: 0 }
      watched.set(key, one)
      if (check.at !== one.at) {
        one.at = check.at
        one.score = one.detector.update({ at: check.at, value: check.tookMs })
      }
      if (one.score === 0) continue
      const usual = Math.round(one.detector.usual ?? 0)
      const took = Math.round(check.tookMs)
      findings.push({
        ...{ code: 'service-slow', subject, confidence: 0.85, firstSeenAt: Number.POSITIVE_INFINITY },
        text: `The check of ${name} at ${nameOf(provider)} takes ${took} ms; usually it takes ${usual} ms.`,
        figure: { name: 'check', value: took, unit: 'ms', kind: 'measured' },
      })
    }
    for (const key of watched.keys()) if (!present.has(key)) watched.delete(key)
    return findings
  }
}
