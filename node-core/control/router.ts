import { implement } from '@orpc/server'
import { contract } from '../contract/contract.ts'
import type { OperationMeta } from '../contract/operation.ts'
import { SCHEMA_VERSION } from '../contract/schemas.ts'
import type { Clock } from '../platform/clock.ts'
import { FaultError } from '../platform/error.ts'
import type { Logger } from '../platform/logger.ts'
import { withTimeout } from '../platform/wait.ts'
import { toContractError } from './contract-error.ts'
import { actionOf, type CallContext, judgeCall } from './gate.ts'
import type { CallOptions, NodeApi } from './node-api.ts'
import type { RemoteCaller } from './remote/remote-caller.ts'

export interface RouterDeps {
  readonly api: NodeApi
  readonly clock: Clock
  readonly logger: Logger
  /** Without it, no other member can be asked. */
  readonly remote?: RemoteCaller
}

/** Longer than any operation takes in good order: it frees what a stuck one would hold for ever. */
const OPERATION_LIMIT_MS = 60_000
/** Six nodes have to start. */
const LAB_LIMIT_MS = 180_000

const STREAMS: ReadonlySet<string> = new Set(['events.subscribe'])

async function callRemote(
  remote: RemoteCaller | undefined,
  node: string,
  call: Parameters<RemoteCaller['call']>[1],
): Promise<unknown> {
  if (remote !== undefined) return remote.call(node, call)
  throw new FaultError({ code: 'NO_REMOTE' }, 'this node asks no other one', {
    hint: 'Ask the node that is meant.',
  })
}

const asDocument = <T extends object>(answer: T) => ({ schema: SCHEMA_VERSION, ...answer }) as const

/** Every operation of the contract over a NodeApi: roles first, then the input, then the call within its time. */
export function createRouter({ api, clock, logger, remote }: RouterDeps) {
  const os = implement(contract)
    .$context<CallContext & { signal?: AbortSignal }>()
    .use(async ({ context, path, procedure, signal, next }, input, output) => {
      const operation = path.join('.')
      try {
        const meta: OperationMeta = procedure['~orpc'].meta
        const certificate = api.certificateRole()
        const { node } = judgeCall({ operation, meta, context, input, certificate }, logger)
        const outer = AbortSignal.any(signal === undefined ? [context.stopping] : [context.stopping, signal])
        const work = async (limited: AbortSignal) =>
          node === undefined
            ? await next({ context: { signal: limited } })
            : output(await callRemote(remote, node, { path, input, meta, signal: limited }))
        // A stream lives as long as its reader.
        if (STREAMS.has(operation)) return await work(outer)
        const limitMs = operation === 'setup.openLab' ? LAB_LIMIT_MS : OPERATION_LIMIT_MS
        return await withTimeout(clock, limitMs, operation, work, outer)
      } catch (error) {
        throw toContractError(error, operation, logger)
      }
    })

  const callOf = (context: CallContext & { signal?: AbortSignal }): CallOptions => ({
    caller: context.caller,
    signal: context.signal ?? context.stopping,
    ...actionOf(context),
  })

  return os.router({
    node: {
      status: os.node.status.handler(async ({ context }) =>
        asDocument(await api.node.status(callOf(context))),
      ),
      check: os.node.check.handler(async ({ input, context }) =>
        asDocument(await api.node.check(input, callOf(context))),
      ),
      version: os.node.version.handler(async ({ context }) =>
        asDocument(await api.node.version(callOf(context))),
      ),
      ping: os.node.ping.handler(async ({ input, context }) =>
        asDocument(await api.node.ping(input, callOf(context))),
      ),
      netcheck: os.node.netcheck.handler(async ({ context }) =>
        asDocument(await api.node.netcheck(callOf(context))),
      ),
      down: os.node.down.handler(async ({ context }) => asDocument(await api.node.down(callOf(context)))),
      leave: os.node.leave.handler(async ({ context }) => asDocument(await api.node.leave(callOf(context)))),
    },
    members: {
      list: os.members.list.handler(async ({ context }) =>
        asDocument(await api.members.list(callOf(context))),
      ),
      revoke: os.members.revoke.handler(async ({ input, context }) =>
        asDocument(await api.members.revoke(input, callOf(context))),
      ),
      update: os.members.update.handler(async ({ input, context }) =>
        asDocument(await api.members.update(input, callOf(context))),
      ),
      grantIssuing: os.members.grantIssuing.handler(async ({ input, context }) =>
        asDocument(await api.members.grantIssuing(input, callOf(context))),
      ),
    },
    links: {
      list: os.links.list.handler(async ({ context }) => asDocument(await api.links.list(callOf(context)))),
    },
    routes: {
      list: os.routes.list.handler(async ({ input, context }) =>
        asDocument(await api.routes.list(input, callOf(context))),
      ),
      trace: os.routes.trace.handler(async ({ input, context }) =>
        asDocument(await api.routes.trace(input, callOf(context))),
      ),
    },
    series: {
      list: os.series.list.handler(async ({ context }) => asDocument(await api.series.list(callOf(context)))),
      query: os.series.query.handler(async ({ input, context }) =>
        asDocument(await api.series.query(input, callOf(context))),
      ),
    },
    topology: {
      show: os.topology.show.handler(async ({ context }) =>
        asDocument(await api.topology.show(callOf(context))),
      ),
      at: os.topology.at.handler(async ({ input, context }) =>
        asDocument(await api.topology.at(input, callOf(context))),
      ),
      changes: os.topology.changes.handler(async ({ input, context }) =>
        asDocument(await api.topology.changes(input, callOf(context))),
      ),
    },
    slo: {
      get: os.slo.get.handler(async ({ input, context }) =>
        asDocument(await api.slo.get(input, callOf(context))),
      ),
    },
    invites: {
      create: os.invites.create.handler(async ({ input, context }) =>
        asDocument(await api.invites.create(input, callOf(context))),
      ),
    },
    joins: {
      list: os.joins.list.handler(async ({ context }) => asDocument(await api.joins.list(callOf(context)))),
      approve: os.joins.approve.handler(async ({ input, context }) =>
        asDocument(await api.joins.approve(input, callOf(context))),
      ),
      reject: os.joins.reject.handler(async ({ input, context }) =>
        asDocument(await api.joins.reject(input, callOf(context))),
      ),
    },
    incidents: {
      list: os.incidents.list.handler(async ({ input, context }) =>
        asDocument(await api.incidents.list(input, callOf(context))),
      ),
      get: os.incidents.get.handler(async ({ input, context }) =>
        asDocument(await api.incidents.get(input, callOf(context))),
      ),
      acknowledge: os.incidents.acknowledge.handler(async ({ input, context }) =>
        asDocument(await api.incidents.acknowledge(input, callOf(context))),
      ),
      own: os.incidents.own.handler(async ({ input, context }) =>
        asDocument(await api.incidents.own(input, callOf(context))),
      ),
      note: os.incidents.note.handler(async ({ input, context }) =>
        asDocument(await api.incidents.note(input, callOf(context))),
      ),
      silence: os.incidents.silence.handler(async ({ input, context }) =>
        asDocument(await api.incidents.silence(input, callOf(context))),
      ),
      resolve: os.incidents.resolve.handler(async ({ input, context }) =>
        asDocument(await api.incidents.resolve(input, callOf(context))),
      ),
    },
    alerts: {
      list: os.alerts.list.handler(async ({ context }) => asDocument(await api.alerts.list(callOf(context)))),
      test: os.alerts.test.handler(async ({ input, context }) =>
        asDocument(await api.alerts.test(input, callOf(context))),
      ),
    },
    metrics: {
      show: os.metrics.show.handler(async ({ context }) =>
        asDocument(await api.metrics.show(callOf(context))),
      ),
    },
    log: {
      show: os.log.show.handler(async ({ context }) => asDocument(await api.log.show(callOf(context)))),
      set: os.log.set.handler(async ({ input, context }) =>
        asDocument(await api.log.set(input, callOf(context))),
      ),
    },
    heal: {
      status: os.heal.status.handler(async ({ context }) =>
        asDocument(await api.heal.status(callOf(context))),
      ),
      pause: os.heal.pause.handler(async ({ input, context }) =>
        asDocument(await api.heal.pause(input, callOf(context))),
      ),
      resume: os.heal.resume.handler(async ({ context }) =>
        asDocument(await api.heal.resume(callOf(context))),
      ),
      why: os.heal.why.handler(async ({ input, context }) =>
        asDocument(await api.heal.why(input, callOf(context))),
      ),
    },
    plans: {
      list: os.plans.list.handler(async ({ input, context }) =>
        asDocument(await api.plans.list(input, callOf(context))),
      ),
      show: os.plans.show.handler(async ({ input, context }) =>
        asDocument(await api.plans.show(input, callOf(context))),
      ),
      approve: os.plans.approve.handler(async ({ input, context }) =>
        asDocument(await api.plans.approve(input, callOf(context))),
      ),
      reject: os.plans.reject.handler(async ({ input, context }) =>
        asDocument(await api.plans.reject(input, callOf(context))),
      ),
      undo: os.plans.undo.handler(async ({ input, context }) =>
        asDocument(await api.plans.undo(input, callOf(context))),
      ),
    },
    playbooks: {
      list: os.playbooks.list.handler(async ({ context }) =>
        asDocument(await api.playbooks.list(callOf(context))),
      ),
      show: os.playbooks.show.handler(async ({ input, context }) =>
        asDocument(await api.playbooks.show(input, callOf(context))),
      ),
      test: os.playbooks.test.handler(async ({ input, context }) =>
        asDocument(await api.playbooks.test(input, callOf(context))),
      ),
      set: os.playbooks.set.handler(async ({ input, context }) =>
        asDocument(await api.playbooks.set(input, callOf(context))),
      ),
      save: os.playbooks.save.handler(async ({ input, context }) =>
        asDocument(await api.playbooks.save(input, callOf(context))),
      ),
      remove: os.playbooks.remove.handler(async ({ input, context }) =>
        asDocument(await api.playbooks.remove(input, callOf(context))),
      ),
      forget: os.playbooks.forget.handler(async ({ input, context }) =>
        asDocument(await api.playbooks.forget(input, callOf(context))),
      ),
    },
    policy: {
      show: os.policy.show.handler(async ({ input, context }) =>
        asDocument(await api.policy.show(input, callOf(context))),
      ),
      history: os.policy.history.handler(async ({ context }) =>
        asDocument(await api.policy.history(callOf(context))),
      ),
      review: os.policy.review.handler(async ({ input, context }) =>
        asDocument(await api.policy.review(input, callOf(context))),
      ),
      apply: os.policy.apply.handler(async ({ input, context }) =>
        asDocument(await api.policy.apply(input, callOf(context))),
      ),
      can: os.policy.can.handler(async ({ input, context }) =>
        asDocument(await api.policy.can(input, callOf(context))),
      ),
      flags: os.policy.flags.handler(async ({ context }) =>
        asDocument(await api.policy.flags(callOf(context))),
      ),
    },
    audit: {
      list: os.audit.list.handler(async ({ input, context }) =>
        asDocument(await api.audit.list(input, callOf(context))),
      ),
      show: os.audit.show.handler(async ({ input, context }) =>
        asDocument(await api.audit.show(input, callOf(context))),
      ),
      verify: os.audit.verify.handler(async ({ input, context }) =>
        asDocument(await api.audit.verify(input, callOf(context))),
      ),
      export: os.audit.export.handler(async ({ input, context }) =>
        asDocument(await api.audit.export(input, callOf(context))),
      ),
    },
    services: {
      list: os.services.list.handler(async ({ context }) =>
        asDocument(await api.services.list(callOf(context))),
      ),
      expose: os.services.expose.handler(async ({ input, context }) =>
        asDocument(await api.services.expose(input, callOf(context))),
      ),
      unexpose: os.services.unexpose.handler(async ({ input, context }) =>
        asDocument(await api.services.unexpose(input, callOf(context))),
      ),
    },
    forwards: {
      list: os.forwards.list.handler(async ({ context }) =>
        asDocument(await api.forwards.list(callOf(context))),
      ),
      add: os.forwards.add.handler(async ({ input, context }) =>
        asDocument(await api.forwards.add(input, callOf(context))),
      ),
      remove: os.forwards.remove.handler(async ({ input, context }) =>
        asDocument(await api.forwards.remove(input, callOf(context))),
      ),
    },
    socks: {
      list: os.socks.list.handler(async ({ context }) => asDocument(await api.socks.list(callOf(context)))),
      add: os.socks.add.handler(async ({ input, context }) =>
        asDocument(await api.socks.add(input, callOf(context))),
      ),
      remove: os.socks.remove.handler(async ({ input, context }) =>
        asDocument(await api.socks.remove(input, callOf(context))),
      ),
    },
    events: {
      subscribe: os.events.subscribe.handler(async ({ input, context }) =>
        api.events.subscribe(input, callOf(context)),
      ),
    },
    setup: {
      state: os.setup.state.handler(async ({ context }) =>
        asDocument(await api.setup.state(callOf(context))),
      ),
      create: os.setup.create.handler(async ({ input, context }) =>
        asDocument(await api.setup.create(input, callOf(context))),
      ),
      readToken: os.setup.readToken.handler(async ({ input, context }) =>
        asDocument(await api.setup.readToken(input, callOf(context))),
      ),
      join: os.setup.join.handler(async ({ input, context }) =>
        asDocument(await api.setup.join(input, callOf(context))),
      ),
      openLab: os.setup.openLab.handler(async ({ context }) =>
        asDocument(await api.setup.openLab(callOf(context))),
      ),
    },
    config: {
      show: os.config.show.handler(async ({ context }) => asDocument(await api.config.show(callOf(context)))),
      validate: os.config.validate.handler(async ({ input, context }) =>
        asDocument(await api.config.validate(input, callOf(context))),
      ),
      preview: os.config.preview.handler(async ({ input, context }) =>
        asDocument(await api.config.preview(input, callOf(context))),
      ),
      export: os.config.export.handler(async ({ input, context }) =>
        asDocument(await api.config.export(input, callOf(context))),
      ),
      import: os.config.import.handler(async ({ input, context }) =>
        asDocument(await api.config.import(input, callOf(context))),
      ),
      history: os.config.history.handler(async ({ context }) =>
        asDocument(await api.config.history(callOf(context))),
      ),
      diff: os.config.diff.handler(async ({ input, context }) =>
        asDocument(await api.config.diff(input, callOf(context))),
      ),
      rollback: os.config.rollback.handler(async ({ input, context }) =>
        asDocument(await api.config.rollback(input, callOf(context))),
      ),
    },
    console: {
      link: os.console.link.handler(async ({ input, context }) =>
        asDocument(await api.console.link(input, callOf(context))),
      ),
      sessions: os.console.sessions.handler(async ({ context }) =>
        asDocument(await api.console.sessions(callOf(context))),
      ),
      signOut: os.console.signOut.handler(async ({ input, context }) =>
        asDocument(await api.console.signOut(input, callOf(context))),
      ),
    },
  })
}
