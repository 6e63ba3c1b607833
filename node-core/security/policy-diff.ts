import type { NodeName, ServiceName } from '../domain/ids.ts'
import {
  evaluatePolicy,
  type PartySelector,
  POLICY_ACTIONS,
  type Policy,
  type PolicyAction,
  type PolicyParty,
  type PolicyRequest,
  selects,
} from './policy.ts'

/** Some members that gain or lose one kind of access at some nodes. */
export interface AccessChange {
  readonly change: 'gains' | 'loses'
  readonly action: PolicyAction
  readonly who: readonly NodeName[]
  /** Empty for provide. */
  readonly at: readonly NodeName[]
  /** `undefined` where it is about no service; `*` for every service that neither document nor mesh names. */
  readonly service: ServiceName | '*' | undefined
  /** The rule that decides now; `undefined` when none allows it. */
  readonly rule: string | undefined
}

/** Members that no selector of either document tells apart. */
interface Alike {
  readonly one: PolicyParty
  readonly names: NodeName[]
}

/**
 * Who gains and who loses which access when `after` takes the place of `before`. Members that no rule tells apart are
 * judged once, so that a mesh of a thousand costs as many verdicts as there are kinds of members. Pure.
 */
export function diffPolicies(
  before: Policy,
  after: Policy,
  parties: readonly PolicyParty[],
  services: readonly ServiceName[],
): readonly AccessChange[] {
  const kinds = kindsOf([before, after], parties)
  const named = servicesIn([before, after])
  const all: readonly (ServiceName | '*')[] = [...new Set([...services, ...named]), '*']
  const changes: AccessChange[] = []
  for (const action of POLICY_ACTIONS) {
    const about = action === 'use' || action === 'provide' ? all : [undefined]
    for (const service of about) {
      for (const who of kinds) {
        changes.push(...merged(who, action === 'provide' ? [undefined] : kinds, service, action))
      }
    }
  }
  return changes

  function merged(
    who: Alike,
    places: readonly (Alike | undefined)[],
    service: AccessChange['service'],
    action: PolicyAction,
  ): AccessChange[] {
    const rows = new Map<string, AccessChange & { at: NodeName[] }>()
    for (const at of places) {
      const request = requestOf(action, who.one, at?.one, service)
      const [was, is] = [evaluatePolicy(before, request), evaluatePolicy(after, request)]
      if (was.allow === is.allow) continue
      const change = is.allow ? 'gains' : 'loses'
      const key = `${change} ${is.rule ?? ''}`
      const row = rows.get(key) ?? { change, action, who: who.names, at: [], service, rule: is.rule }
      row.at.push(...(at?.names ?? []))
      rows.set(key, row)
    }
    return [...rows.values()]
  }
}

/** No service may be called so: whatever is decided for it is decided for every service that no rule names. */
const UNNAMED = '*' as ServiceName

function requestOf(
  action: PolicyAction,
  who: PolicyParty,
  at: PolicyParty | undefined,
  service: AccessChange['service'],
): PolicyRequest {
  const name = service === '*' || service === undefined ? UNNAMED : service
  if (action === 'provide') return { action, who, service: name }
  const place = at ?? who
  return action === 'use' ? { action, who, at: place, service: name } : { action, who, at: place }
}

function kindsOf(policies: readonly Policy[], parties: readonly PolicyParty[]): readonly Alike[] {
  const questions = policies.flatMap((policy) =>
    selectorsOf(policy).map((selector) => ({ policy, selector })),
  )
  const kinds = new Map<string, Alike>()
  for (const one of parties) {
    const key = questions.map(({ policy, selector }) => (selects(policy, selector, one) ? '1' : '0')).join('')
    const kind = kinds.get(key)
    if (kind === undefined) kinds.set(key, { one, names: [one.name] })
    else kind.names.push(one.name)
  }
  return [...kinds.values()]
}

const selectorsOf = ({ rules }: Policy): readonly PartySelector[] =>
  rules.flatMap(({ who, at }) => (at === undefined ? [who] : [who, at]))

const servicesIn = (policies: readonly Policy[]): readonly ServiceName[] =>
  policies.flatMap(({ rules }) =>
    rules.flatMap(({ services }) => (services === undefined || services === 'all' ? [] : services)),
  )
