import { join } from 'node:path'
import type { PeerId } from '../../domain/ids.ts'
import type { Incident } from '../../domain/incident.ts'
import type { Plan, VoteProof } from '../../domain/plan.ts'
import type { Subject } from '../../domain/subject.ts'
import type { Knowledge } from '../../knowledge/knowledge.ts'
import type { ActionOrder, Actuators } from '../../mapek/execute/ports.ts'
import { GUARD_DEFAULTS } from '../../mapek/guards/guards.ts'
import type { IncidentBook } from '../../mapek/incidents/incident-book.ts'
import { createRepairLoop, type RepairLoop } from '../../mapek/loop/loop.ts'
import type { LoopSettings } from '../../mapek/loop/ports.ts'
import type { Membership } from '../../mesh/membership/membership.ts'
import type { Clock } from '../../platform/clock.ts'
import { FaultError, messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import type { Certificate } from '../../security/certificate.ts'
import { flagValue } from '../../security/feature-flags.ts'
import type { NodeIdentity } from '../../security/identity.ts'
import { evaluatePolicy } from '../../security/policy.ts'
import type { Services } from '../../services/services.ts'
import { postWebhook } from '../alerts/webhook.ts'
import type { ActionAudit } from '../audit/audited-actions.ts'
import type { Config } from '../config/schema.ts'
import type { MeshStack } from '../mesh-stack.ts'
import { flaggedSettings } from './flagged-settings.ts'
import { createHealProbe, measureWays } from './heal-probe.ts'
import { performLocally } from './local-actions.ts'
import { COMMAND_FILE, type CommandFault, readCommandFile, runOperatorCommand } from './operator-commands.ts'
import { createPlanStore, createStepJournal } from './plan-stores.ts'
import { createPlaybookShelf, type PlaybookShelf } from './playbook-shelf.ts'
import { createRemoteActions, type RemoteActions } from './remote-actions.ts'
import { createTargetGuards } from './target-guards.ts'
import { carriedVotes, proveOwnVote } from './vote-proofs.ts'

export interface HealDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly knowledge: Knowledge
  readonly identity: NodeIdentity
  readonly stack: MeshStack
  readonly services: Services
  readonly book: IncidentBook
  /** Enters what an action changes here, for whichever node's loop. */
  readonly audit: ActionAudit
}

export interface HealOptions {
  /** Of the home. */
  readonly root: string
  readonly settings: Config['heal']
}

/** Planning and executing, fitted to a running node. */
export interface Heal {
  readonly loop: RepairLoop
  readonly playbooks: PlaybookShelf
  /** Signs, for others to see, that whoever sits at this node agrees to a plan. */
  proveVote(plan: Plan, comment: string | null): VoteProof
  /** In the order in which they start. */
  readonly lifecycles: readonly Lifecycle[]
}

const PAUSE_KEY = 'heal-paused'
const PLAYBOOK_FOLDER = 'playbooks'
const NOTIFY_MS = 5_000

export function createHeal(deps: HealDeps, options: HealOptions): Heal {
  const { clock, random, logger, knowledge, stack, services } = deps
  const { membership, routing, links } = stack
  const playbooks = createPlaybookShelf({ logger }, { folder: join(options.root, PLAYBOOK_FOLDER) })
  const notify = createNotify(deps, options)
  const performHere = (order: ActionOrder, signal: AbortSignal) =>
    performLocally(
      {
        ...{ clock, membership, links, routing, services },
        ...{ sessions: stack.sessions, sync: stack.sync, renewal: stack.renewal },
        runCommand: (name, subject, stop) => runDeclared(deps, options.root, name, subject, stop),
        notify: (told, stop) =>
          notify(deps.book.get(told.incident), `${told.plan} of ${told.incident}`, stop),
      },
      order,
      signal,
    )
  const performFor = (from: PeerId) => (order: ActionOrder, signal: AbortSignal) =>
    deps.audit(from, order, () => performHere(order, signal))
  const perform = performFor(membership.self)
  const remote: RemoteActions = createRemoteActions({
    ...{ clock, random, logger, membership },
    perform: (from, order, signal) => performFor(from)(order, signal),
    streams: stack.meshStreams,
    key: deps.identity.key,
    measure: (peers, signal) => measureWays(stack, peers, signal),
    judge: createTargetGuards({
      ...{ clock, self: membership.self },
      isPaused: () => loop.status().paused !== undefined,
      roleOf: (peer) => memberOf(membership, peer)?.role,
      mayHeal(from) {
        const [who, at] = [memberOf(membership, from), memberOf(membership, membership.self)]
        if (who === undefined || at === undefined) return false
        return evaluatePolicy(membership.policy(), { action: 'heal', who, at }).allow
      },
      isServiceBroken: (name) =>
        services
          .services()
          .some((service) => service.local && service.name === name && service.state === 'unhealthy'),
    }),
  })
  const loop: RepairLoop = createRepairLoop(
    {
      ...{ clock, random, logger, book: deps.book, playbooks },
      plans: createPlanStore(knowledge),
      journal: createStepJournal(knowledge),
      outcomes: knowledge.outcomes,
      settings: {
        list: () =>
          flaggedSettings(knowledge.playbookSettings.list(), playbooks.all, isAutomatic(membership)),
      },
      actuators: createActuators(deps, perform, remote),
      probe: createHealProbe({ ...stack, services, remote: () => remote, now: () => clock.now() }),
      mesh: {
        view: () => ({
          self: membership.self,
          members: membership
            .members()
            .flatMap(({ peer, standing }) => (standing === 'member' ? [peer] : [])),
          isReachable: (peer) => peer === membership.self || routing.pathsTo(peer).length > 0,
        }),
        nameOf: (peer) => membership.certificateOf(peer)?.name ?? peer,
      },
      people: {
        async call(incident, text) {
          try {
            await notify(incident, text, AbortSignal.timeout(NOTIFY_MS))
          } catch (error) {
            logger.debug('nobody was called', { incident: incident.id, reason: messageOf(error) })
          }
        },
      },
      onFault: (text) => openLoopFault(deps, text),
      pauseStore: createPauseStore(knowledge),
    },
    loopSettings(options.settings),
  )
  const proveVote: Heal['proveVote'] = (plan, comment) =>
    proveOwnVote({ clock, random }, deps.identity, plan, comment)
  return { loop, playbooks, proveVote, lifecycles: [remote, loop] }
}

/** Whoever has no certificate that counts is allowed nothing. */
const memberOf = (membership: Membership, peer: PeerId): Certificate | undefined =>
  membership.standing(peer) === 'member' ? membership.certificateOf(peer) : undefined

/** Whether this node repairs anything without asking: the flag `automatic-healing` of the policy. */
function isAutomatic(membership: Membership): boolean {
  const labels = memberOf(membership, membership.self)?.labels ?? []
  return flagValue(membership.policy().flags, 'automatic-healing', labels).value
}

const loopSettings = (settings: Config['heal']): LoopSettings => ({
  limits: {
    ...GUARD_DEFAULTS,
    actionsPerMinute: settings.actionsPerMinute,
    actionsPerHour: settings.actionsPerHour,
  },
  windows: settings.maintenance,
  approvalMs: settings.approvalMs,
})

/** Here, or at the member that the step names. */
function createActuators(
  { stack, knowledge }: HealDeps,
  perform: (order: ActionOrder, signal: AbortSignal) => ReturnType<Actuators['perform']>,
  remote: RemoteActions,
): Actuators {
  return {
    perform(order, signal) {
      if (order.target === stack.membership.self) return perform(order, signal)
      return remote.perform(order, carriedVotes(knowledge.plans.get(order.plan)?.approvals ?? []), signal)
    },
  }
}

async function runDeclared(
  { clock }: HealDeps,
  root: string,
  name: string | undefined,
  subject: Subject,
  signal: AbortSignal,
): Promise<string> {
  const { commands } = await readCommandFile(join(root, COMMAND_FILE))
  const isFor = (service: string | undefined): boolean =>
    subject.kind === 'service' ? service === subject.name : service === undefined
  const found = Object.entries(commands).find(
    ([key, command]) => (name === undefined || key === name) && isFor(command.service),
  )
  if (found === undefined) {
    throw new FaultError<CommandFault>(
      { code: 'COMMAND_UNKNOWN', name: name ?? '' },
      'the operator of this machine has declared no command for it',
    )
  }
  const [key, command] = found
  const said = await runOperatorCommand(clock, key, command, '', signal)
  return `${key} was run${said === '' ? '' : `: ${said}`}`
}

type Notify = (incident: Incident | undefined, text: string, signal: AbortSignal) => Promise<string>

/** A webhook, a command of the operator, or both; an error when there is neither. */
function createNotify({ clock, stack }: HealDeps, { root, settings }: HealOptions): Notify {
  return async (incident, text, signal) => {
    const message = {
      ...{ text, node: stack.membership.certificateOf(stack.membership.self)?.name, at: clock.now() },
      incident: incident && {
        ...{ id: incident.id, code: incident.code, title: incident.title, state: incident.state },
        ...{ severity: incident.severity, diagnosis: incident.diagnosis },
        evidence: incident.evidence.map((one) => one.text),
      },
    }
    const told: string[] = []
    const { webhook } = settings
    if (webhook !== undefined) {
      await postWebhook(webhook, message, clock.now(), signal)
      told.push('the webhook')
    }
    const file = await readCommandFile(join(root, COMMAND_FILE))
    const command = file.notify === undefined ? undefined : file.commands[file.notify]
    if (file.notify !== undefined && command !== undefined) {
      await runOperatorCommand(clock, file.notify, command, `${JSON.stringify(message)}\n`, signal)
      told.push(`the command ${file.notify}`)
    }
    if (told.length === 0) throw new Error('neither a webhook nor a notify command is set')
    return `told ${told.join(' and ')}`
  }
}

function openLoopFault({ book, stack, clock }: HealDeps, text: string): void {
  const { self } = stack.membership
  const at = clock.now()
  book.observe({
    root: {
      ...{ code: 'loop-fault', subject: { kind: 'part', peer: self, part: 'loop' }, severity: 'critical' },
      ...{ confidence: 1, impactsConnectivity: false, firstSeenAt: at, lastSeenAt: at },
      evidence: [{ text, at, witness: self }],
    },
    title: 'The loop of this node is broken',
    consequences: [],
    diagnosis: text,
  })
}

function createPauseStore({ meta }: Pick<Knowledge, 'meta'>) {
  return {
    get() {
      const raw = meta.get(PAUSE_KEY) ?? ''
      if (raw === '') return undefined
      const [at = '', by = '', ...reason] = raw.split('\n')
      return { at: Number(at), by, reason: reason.join('\n') }
    },
    set(paused: { readonly reason: string; readonly by: string; readonly at: number } | undefined): void {
      meta.set(PAUSE_KEY, paused === undefined ? '' : [paused.at, paused.by, paused.reason].join('\n'))
    },
  }
}
