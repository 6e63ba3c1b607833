/** `npm run bench:policy`: how many verdicts a second the policy gives, by the starting policy and by a full one. */
import type { NodeName, PeerId, ServiceName } from '../../node-core/domain/ids.ts'
import { evaluatePolicy, type Policy, type PolicyParty } from '../../node-core/security/policy.ts'
import { parsePolicy, STARTING_POLICY } from '../../node-core/security/policy-document.ts'
import { type BenchCase, runBench } from './harness.ts'

const VERDICTS = 200_000
const RULES = 256

const party = (index: number): PolicyParty => ({
  peerId: `12D3KooW${index}` as PeerId,
  name: `node-${index}` as NodeName,
  role: 'operator',
  labels: ['site=berlin', `rack=${index % 8}`],
})
const PARTIES = Array.from({ length: 64 }, (_, index) => party(index))
const SERVICE = 'wiki' as ServiceName

/** As many rules as a document may have; the one that allows stands last, so that all are asked. */
const FULL: Policy = {
  version: 1,
  rules: [
    ...Array.from({ length: RULES - 1 }, (_, index) => ({
      ...{ id: `r${index}`, allow: ['use'] as const, services: [`s${index}` as ServiceName] },
      who: { nodes: [`node-${index}` as NodeName] },
    })),
    { id: 'last', allow: ['use'], who: 'members' },
  ],
}

function verdictsPerSecond(policy: Policy): () => Promise<number> {
  return async () => {
    let allowed = 0
    const startedMs = performance.now()
    for (let index = 0; index < VERDICTS; index++) {
      const who = PARTIES[index % PARTIES.length]
      const at = PARTIES[(index * 7) % PARTIES.length]
      if (who === undefined || at === undefined) continue
      if (evaluatePolicy(policy, { action: 'use', who, at, service: SERVICE }).allow) allowed += 1
    }
    if (allowed !== VERDICTS) throw new Error('the policy of the benchmark allows everything')
    return VERDICTS / ((performance.now() - startedMs) / 1_000)
  }
}

const starting = parsePolicy(STARTING_POLICY)
if (!starting.ok) throw new Error('the starting policy reads')
const cases: BenchCase[] = [
  { metric: 'verdicts, starting policy', unit: '1/s', sample: verdictsPerSecond(starting.policy) },
  { metric: `verdicts, ${RULES} rules, the last one decides`, unit: '1/s', sample: verdictsPerSecond(FULL) },
]
await runBench({ name: 'policy', defaultN: 30, warmup: 3 }, async () => ({ cases, close: async () => {} }))
