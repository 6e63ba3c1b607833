/** Writes all that must not be lost and samples, and says each number only after the stores took it. Killed by run-crash.ts. */
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { openKnowledge } from '../../../node-core/knowledge/knowledge.ts'
import { createSeriesDriver } from '../../../node-core/knowledge/series/series-driver.ts'
import { systemClock } from '../../../node-core/platform/clock.ts'
import { silentLogger } from '../../../node-core/platform/logger.ts'
import { incidentId, incidentOf, planId, planOf } from '../../helpers/healing-documents.ts'
import { engineOptions, INFO, ISSUER, PEER, SAMPLES_PER_STEP } from './scene.ts'

const [folder = '', from = '1', firstSample = '0'] = process.argv.slice(2)
const knowledge = openKnowledge({ logger: silentLogger }, { path: join(folder, 'knowledge.db') })
const series = createSeriesDriver({ clock: systemClock }, engineOptions(folder))

let sample = Number(firstSample)
for (let n = Number(from); ; n += 1) {
  knowledge.incidents.save(incidentOf(n))
  knowledge.plans.save(planOf(n, { incident: incidentId(n) }))
  knowledge.journal.append({
    ...{ planId: planId(n), stepId: 'redial', idempotencyKey: `step-${n}`, attempt: 1 },
    ...{ phase: 'intent', at: n, detail: 'before' },
  })
  knowledge.revocations.append({
    ...{ issuer: ISSUER, seq: n, hash: `${n}`, subject: PEER, entry: new Uint8Array(2_000).fill(n) },
  })
  const ats = Float64Array.from({ length: SAMPLES_PER_STEP }, (_, k) => sample + k)
  const added = sample === Number(firstSample) ? [{ handle: 0, info: INFO }] : []
  await series.append(added, {
    series: new Int32Array(SAMPLES_PER_STEP),
    ats,
    values: ats.map((at) => at % 97),
  })
  sample += SAMPLES_PER_STEP
  writeSync(1, `${n} ${sample}\n`)
}
