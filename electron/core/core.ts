/** The core: the process of the desktop app that keeps a node running and carries the window's line to it. */
import { createNodeClient, type NodeClient } from '../../node-core/cli/client/node-client.ts'
import { systemClock } from '../../node-core/platform/clock.ts'
import { FaultError, hasCode, messageOf } from '../../node-core/platform/error.ts'
import { ensureHome, type HomePaths, homePaths } from '../../node-core/platform/home.ts'
import { factsOf } from './facts.ts'
import { launchNode } from './hosted-node.ts'
import { type LinePort, refuseLine, serveLine } from './line-relay.ts'
import {
  type Command,
  commandSchema,
  type Facts,
  MAX_FACTS,
  type NodeState,
  type Problem,
  type Report,
  type Request,
} from './messages.ts'
import { createNodeKeeper, type NodeKeeper, type Probe } from './node-keeper.ts'

const CALL_MS = 5_000
/** A join waits for an answer from the mesh. */
const JOIN_MS = 50_000
const FACTS_EVERY_MS = 2_000
/** So long a node that has just been given a mesh may take to serve it. */
const SETTLE_MS = 60_000

/** How the main process is reached. */
export interface Parent {
  report(report: Report): void
}

export function createCore(parent: Parent) {
  const over = new AbortController()
  let running: { paths: HomePaths; keeper: NodeKeeper; client(timeoutMs: number): NodeClient } | undefined
  let closeLine = (): void => {}

  function onState(state: NodeState): void {
    if (state.kind !== 'up') closeLine()
    parent.report({ kind: 'state', state })
  }

  async function start({ home, root, passphrase }: Extract<Command, { kind: 'start' }>): Promise<void> {
    if (running !== undefined) return
    const paths = homePaths(home)
    const client = (timeoutMs: number): NodeClient =>
      createNodeClient(paths, { timeoutMs, signal: over.signal })
    const keeper = createNodeKeeper({
      ...{ clock: systemClock, problemOf, onState },
      probe: () => probe(client(CALL_MS)),
      launch: async (signal) => {
        ensureHome(paths)
        return launchNode({ paths, root, passphrase: passphrase ?? undefined }, signal)
      },
    })
    running = { paths, keeper, client }
    await keeper.start()
    void tellFacts(keeper, client(CALL_MS))
  }

  async function tellFacts(keeper: NodeKeeper, client: NodeClient): Promise<void> {
    while (!over.signal.aborted) {
      if (keeper.state().kind === 'up') {
        const facts = await factsFrom(client).catch(() => undefined)
        // A node that does not answer is told of by the keeper: what was known stays.
        if (facts !== undefined) parent.report({ kind: 'facts', facts })
      }
      await new Promise<void>((resolve) => setTimeout(resolve, FACTS_EVERY_MS))
    }
  }

  /** A page holds one line. A page that was loaded anew asks again: only its newest stays. */
  function line(port: LinePort): void {
    closeLine()
    const state = running?.keeper.state() ?? { kind: 'starting' }
    if (running === undefined || state.kind !== 'up') {
      refuseLine(port, absenceOf(state))
      return
    }
    const { client, paths } = running
    const close = serveLine(port, paths.socket, (operation) => {
      if (operation === '/setup/create' || operation === '/setup/join')
        void meshServed(client(CALL_MS)).then(close)
    })
    closeLine = close
  }

  /** Then the page connects again, to a node. */
  async function meshServed(client: NodeClient): Promise<void> {
    const until = systemClock.monotonicMs() + SETTLE_MS
    while (!over.signal.aborted && systemClock.monotonicMs() < until) {
      const state = await client.setup.state().catch(() => undefined)
      if (state?.mode === 'node') return
      await new Promise<void>((resolve) => setTimeout(resolve, 100))
    }
  }

  async function ask({ id, request }: Extract<Command, { kind: 'ask' }>): Promise<void> {
    try {
      if (running === undefined) throw notUp()
      const value = await perform(running.client(request.what === 'join' ? JOIN_MS : CALL_MS), request)
      parent.report({ kind: 'answer', id, value })
    } catch (error) {
      parent.report({ kind: 'refused', id, problem: problemOf(error) })
    }
  }

  async function stop(): Promise<void> {
    closeLine()
    await running?.keeper.stop()
    over.abort(new FaultError({ code: 'INTERRUPTED' }, 'the desktop app ends'))
    parent.report({ kind: 'ended' })
  }

  return {
    /** What is not understood comes from a main process of another version: there is none, so it is dropped. */
    take(message: unknown, port: LinePort | undefined): void {
      const command = commandSchema.safeParse(message).data
      switch (command?.kind) {
        case 'start':
          void start(command)
          break
        case 'line':
          if (port !== undefined) line(port)
          break
        case 'wake':
          running?.keeper.wake()
          break
        case 'ask':
          void ask(command)
          break
        case 'stop':
          void stop()
          break
      }
    },
  }
}

async function factsFrom(client: NodeClient): Promise<Facts | null> {
  const { mode } = await client.setup.state()
  if (mode === 'setup') return null
  const [status, joins, incidents, heal] = await Promise.all([
    client.node.status(),
    client.joins.list(),
    client.incidents.list({ open: true, limit: MAX_FACTS }),
    client.heal.status(),
  ])
  return factsOf({ status, joins: joins.items, incidents: incidents.items, heal }, Date.now())
}

async function perform(client: NodeClient, request: Request): Promise<unknown> {
  switch (request.what) {
    case 'setup-state':
      return client.setup.state()
    case 'read-token':
      return client.setup.readToken({ token: request.token })
    case 'join':
      return client.setup.join({ token: request.token, name: request.name, passphrase: null })
    case 'pause-healing':
      return request.paused ? client.heal.pause({ reason: 'asked for in the tray' }) : client.heal.resume()
  }
}

async function probe(client: NodeClient): Promise<Probe> {
  try {
    const { pid } = await client.node.version()
    return { kind: 'running', pid }
  } catch (error) {
    if (hasCode(error, 'NODE_NOT_RUNNING')) return { kind: 'none' }
    return { kind: 'unreadable', problem: problemOf(error) }
  }
}

function problemOf(error: unknown): Problem {
  if (error instanceof FaultError) return { code: error.code, message: error.message, hint: error.hint ?? '' }
  return {
    code: 'NODE_START_FAILED',
    message: messageOf(error),
    hint: 'See the log in the home of the node.',
  }
}

const notUp = (): FaultError =>
  new FaultError({ code: 'NODE_NOT_RUNNING' }, 'no node runs on this machine', { hint: '' })

/** Why there is no node, for the page. */
function absenceOf(state: NodeState): Problem {
  switch (state.kind) {
    case 'down':
      return state.problem
    case 'stopped':
      return { code: 'NODE_STOPPED', message: '', hint: '' }
    default:
      return { code: 'NODE_STARTING', message: '', hint: '' }
  }
}
