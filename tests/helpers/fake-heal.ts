import {
  healIncidentIdSchema,
  type PlanDocument,
  type PlaybookSummary,
  planIdSchema,
} from '../../node-core/contract/heal-schemas.ts'
import type { NodeApi } from '../../node-core/control/node-api.ts'
import { FaultError } from '../../node-core/platform/error.ts'
import { peer } from './incidents.ts'

const INCIDENT = healIncidentIdSchema.parse('inc-0123456789abcdef')
const PLAN = planIdSchema.parse('plan-0123456789abcdef')
const AT = Date.UTC(2026, 10, 3, 14, 0, 0)

/** A repair that waits for a person. */
const examplePlan = (): PlanDocument => ({
  ...{
    id: PLAN,
    incident: INCIDENT,
    playbook: 'quarantine-a-peer',
    playbookVersion: 1,
    mode: 'ask',
    risk: 'high',
  },
  ...{ blastRadius: 2, state: 'waiting', reason: 'a person decides', createdAt: AT, endedAt: null },
  approvalExpiresAt: AT + 900_000,
  candidates: [
    {
      playbook: 'quarantine-a-peer',
      version: 1,
      score: 0.71,
      reasons: ['not tried yet: its score is a draw'],
      chosen: true,
    },
  ],
  steps: [
    {
      ...{ id: 'away', action: 'quarantine-peer', subject: 'node phone', target: peer('A'), at: 'laptop' },
      ...{ optional: false, after: [], state: 'pending', startedAt: null, endedAt: null, outcome: null },
      undo: 'release-peer',
      statement: `quarantine-peer of node:${peer('B')} at ${peer('A')} for="1h"`,
    },
  ],
  approvals: [],
  verification: null,
})

export interface FakeHealState {
  plan: PlanDocument
  paused: { reason: string; by: string; at: number } | null
  playbooks: PlaybookSummary[]
}

export const initialHeal = (): FakeHealState => ({
  plan: examplePlan(),
  paused: null,
  playbooks: [
    {
      ...{
        playbook: 'quarantine-a-peer',
        version: 1,
        title: 'Keep a member away',
        symptoms: ['peer-misbehaving'],
      },
      ...{ risk: 'high', mode: 'ask', setMode: null, enabled: true, origin: 'shipped', wins: 0, losses: 0 },
    },
  ],
})

type Called = (operation: string, input?: object) => void

export function createFakeHeal(
  { heal }: { readonly heal: FakeHealState },
  called: Called,
): Pick<NodeApi, 'heal' | 'plans' | 'playbooks'> {
  const status = () => ({
    ...{ state: heal.paused === null ? ('watching' as const) : ('paused' as const), paused: heal.paused },
    ...{ safeModeUntil: null, healing: [], faults: 0, steering: [], quarantined: [] },
    waiting:
      heal.plan.state === 'waiting'
        ? [
            {
              id: heal.plan.id,
              incident: INCIDENT,
              playbook: heal.plan.playbook,
              expiresAt: heal.plan.approvalExpiresAt,
            },
          ]
        : [],
  })
  const decide = (verdict: 'approve' | 'reject') => {
    heal.plan = { ...heal.plan, state: verdict === 'approve' ? 'approved' : 'rejected' }
    return { plan: heal.plan }
  }
  const find = (name: string): PlaybookSummary => {
    const found = heal.playbooks.find(({ playbook }) => playbook === name)
    if (found === undefined)
      throw new FaultError({ code: 'PLAYBOOK_UNKNOWN' }, `there is no playbook '${name}'`)
    return found
  }
  return {
    heal: {
      async status() {
        called('heal.status')
        return status()
      },
      async pause(input) {
        called('heal.pause', input)
        heal.paused = { reason: input.reason, by: 'laptop', at: AT }
        return status()
      },
      async resume() {
        called('heal.resume')
        heal.paused = null
        return status()
      },
      async why(input) {
        called('heal.why', input)
        return {
          incident: {
            ...{ id: INCIDENT, code: 'peer-misbehaving', subject: 'node phone', title: 'phone misbehaves' },
            ...{
              state: 'diagnosed',
              severity: 'warning',
              confidence: 0.9,
              diagnosis: 'phone passes on forged adverts.',
            },
            ...{
              firstEvidenceAt: AT,
              resolvedAt: null,
              repairMs: null,
              coordinator: 'laptop',
              witnesses: ['laptop'],
            },
            evidence: [{ at: AT, from: 'laptop', text: '12 forged adverts from phone' }],
            ...{
              consequences: [],
              timeline: [{ at: AT + 100, kind: 'diagnosis', text: 'phone passes on forged adverts.' }],
            },
          },
          plans: [heal.plan],
          precedents: [],
        }
      },
    },
    plans: {
      async list(input) {
        called('plans.list', input)
        return { items: [heal.plan] }
      },
      async show(input) {
        called('plans.show', input)
        return { plan: heal.plan }
      },
      async approve(input) {
        called('plans.approve', input)
        return decide('approve')
      },
      async reject(input) {
        called('plans.reject', input)
        return decide('reject')
      },
      async undo(input) {
        called('plans.undo', input)
        heal.plan = { ...heal.plan, state: 'rolled-back' }
        return { plan: heal.plan }
      },
    },
    playbooks: {
      async list() {
        called('playbooks.list')
        return { items: heal.playbooks, problems: [] }
      },
      async show(input) {
        called('playbooks.show', input)
        return {
          playbook: {
            ...find(input.playbook),
            about: 'Says why.',
            steps: [],
            verify: 'quiet',
            document: 'x0t: 1',
          },
        }
      },
      async test(input) {
        called('playbooks.test', input)
        return {
          problems: [],
          matches: true,
          mode: 'ask',
          why: 'it is set to ask',
          heldBackBy: null,
          blastRadius: 2,
          steps: heal.plan.steps,
        }
      },
      async set(input) {
        called('playbooks.set', input)
        const before = find(input.playbook)
        const playbook = {
          ...before,
          enabled: input.enabled ?? before.enabled,
          setMode: input.mode === undefined ? before.setMode : input.mode,
        }
        heal.playbooks = heal.playbooks.map((other) => (other.playbook === input.playbook ? playbook : other))
        return { playbook }
      },
      async save(input) {
        called('playbooks.save', input)
        return { playbook: find('quarantine-a-peer') }
      },
      async remove(input) {
        called('playbooks.remove', input)
        return { playbook: input.playbook, shippedAgain: true }
      },
      async forget(input) {
        called('playbooks.forget', input)
        return { outcomes: 3 }
      },
    },
  }
}
