import { resolve } from 'node:path'
import { z } from 'zod'
import { createBufferCollector } from '../../platform/buffer-collector.ts'
import { collectBuffersLikeObjects } from '../../platform/buffer-memory.ts'
import { systemClock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import { forgoFetch } from '../../platform/forgo-fetch.ts'
import { ensureHome, homePaths } from '../../platform/home.ts'
import { systemRandom } from '../../platform/random.ts'
import { formatProblem } from '../config/parse-config.ts'
import { requireConfig } from '../config/require-config.ts'
import type { Config } from '../config/schema.ts'
import { watchConfig } from '../config/watch-config.ts'
import { createWebConsole } from '../console/web-console.ts'
import { forgetMembership } from '../leave-mesh.ts'
import { createLog, type Log } from '../logging/log.ts'
import { createLogLevel } from '../logging/log-level.ts'
import { loadMeshFacts } from '../mesh-facts.ts'
import { type RunningNode, startNode } from '../node.ts'
import { type OpenHome, openHome, openHomeToBegin } from '../open-home.ts'
import { createPracticeLab } from '../setup/practice-lab.ts'
import { runSetup } from '../setup/run-setup.ts'
import { type EntrySecrets, printLine, runEntry } from './entry-io.ts'

const optionsSchema = z.strictObject({
  home: z.string().min(1),
  listen: z.array(z.string()).min(1).optional(),
  peers: z.array(z.string()).optional(),
  /** A home that belongs to no mesh yet is served all the same: its console leads to one. */
  setup: z.boolean().default(false),
  /** The node ends with the program that started it, and knows by the IPC channel between them. */
  foreground: z.boolean(),
})
type Options = z.infer<typeof optionsSchema>

/** The built page of the console: dist/renderer, beside dist/node-core, in which this is unless run from source. */
const PAGE = resolve(
  import.meta.dirname,
  import.meta.filename.endsWith('.ts') ? '../../../dist/renderer' : '../renderer',
)

/** The command line, which lies beside this when bundled. */
const CLI = resolve(
  import.meta.dirname,
  import.meta.filename.endsWith('.ts') ? '../../cli/main.ts' : 'cli.js',
)

const STOP_LIMIT_MS = 10_000

interface StopRequest {
  readonly reason: string
  readonly leave: boolean
}

/** The first request to stop, from whichever side it comes: the contract, a signal, the program that started us. */
function stopRequests(options: Options): { wanted: Promise<StopRequest>; request: (r: StopRequest) => void } {
  const { promise: wanted, resolve: request } = Promise.withResolvers<StopRequest>()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => request({ reason: `the signal ${signal}`, leave: false }))
  }
  if (options.foreground) {
    // Killed, the program that started us cannot pass a signal on; its end of the channel closes all the same.
    process.once('disconnect', () =>
      request({ reason: 'the program that started the node ended', leave: false }),
    )
    if (!process.connected) request({ reason: 'the program that started the node has ended', leave: false })
  }
  return { wanted, request }
}

function followConfig(home: OpenHome, log: Log, config: Config, node: RunningNode): () => void {
  return watchConfig(
    { clock: systemClock, logger: log.logger },
    { path: home.paths.config, config },
    (change) => {
      if (change.kind === 'rejected') {
        const problems = change.problems.map(formatProblem)
        log.logger.error('x0t.yaml is not valid: the settings of before stay in force', { problems })
        node.parts.health.raise({
          code: 'config-invalid',
          severity: 'warning',
          title: `x0t.yaml was changed and is not valid, the settings of before stay in force: ${problems[0] ?? ''}`,
          impactsConnectivity: false,
        })
        return
      }
      node.parts.health.clear('config-invalid')
      node.parts.logLevel.configure(change.config.log.level)
      log.setLimits(change.config.log)
      void node.parts.alerts.configure(change.config.alerts)
      log.logger.info(
        'x0t.yaml was read again: log and alert settings took effect, the others do at the next start',
      )
    },
  )
}

/** A fault that nobody handles must not leave half a node: it is logged, and the node ends in order. */
function followFaults(log: Log, request: (r: StopRequest) => void): void {
  const fatal = (kind: string) => (error: unknown) => {
    const stack = error instanceof Error ? error.stack : undefined
    log.logger.error(`${kind}: the node stops`, { error: messageOf(error), stack })
    process.exitCode = 1
    request({ reason: kind, leave: false })
  }
  process.on('uncaughtException', fatal('an exception that nobody caught'))
  process.on('unhandledRejection', fatal('a rejection that nobody handled'))
}

async function run(options: Options, secrets: EntrySecrets): Promise<void> {
  const paths = homePaths(options.home)
  ensureHome(paths)
  const config = requireConfig(paths.config)
  const log = createLog(
    { clock: systemClock },
    {
      ...config.log,
      dir: paths.logs,
      ...(options.foreground ? { terminal: { stream: process.stderr, env: process.env } } : {}),
    },
  )
  const stops = stopRequests(options)
  try {
    followFaults(log, stops.request)
    await runNode(options, secrets, { config, log, stops })
  } catch (error) {
    log.logger.error('the node could not start', { error: messageOf(error) })
    throw error
  } finally {
    log.flush()
    log.close()
  }
}

interface Surroundings {
  readonly config: Config
  readonly log: Log
  readonly stops: ReturnType<typeof stopRequests>
}

async function runNode(options: Options, { passphrase }: EntrySecrets, { config, log, stops }: Surroundings) {
  const { logger } = log
  const deps = { clock: systemClock, random: systemRandom, logger }
  const home = options.setup ? await openHomeToBegin(deps, options.home) : openHome(deps, options.home)
  const webConsole = createWebConsole(
    { ...deps, meta: home.knowledge.meta },
    { config: config.console, page: PAGE },
  )
  const lab = createPracticeLab(CLI)
  try {
    let opening = passphrase
    if (options.setup && loadMeshFacts(home.knowledge.meta) === undefined) {
      const outcome = await runSetup({ ...deps, lab }, home, {
        ...{ webConsole, passphrase, stopped: stops.wanted },
        requestStop: (reason) => stops.request({ reason, leave: false }),
        onReady: () => printLine({ ok: true, setup: true, pid: process.pid, socket: home.paths.socket }),
      })
      if (outcome.kind === 'stopped') return
      opening = outcome.passphrase
    }
    const node = await startNode(deps, home, {
      ...{ config, passphrase: opening, webConsole, lab },
      log,
      logLevel: createLogLevel({ clock: systemClock, log }, config.log.level),
      listen: options.listen,
      peers: options.peers ?? [],
      onStopRequest: stops.request,
    })
    const unfollow = followConfig(home, log, config, node)
    const collector = createBufferCollector(systemClock)
    await collector.start()
    const { membership, host } = node.parts
    logger.info('the node is up', { peer: membership.self, addresses: host.advertisedAddresses() })
    await printLine({
      ok: true,
      pid: process.pid,
      peerId: membership.self,
      addresses: host.advertisedAddresses(),
      socket: home.paths.socket,
    })
    const { reason, leave } = await stops.wanted
    logger.info('the node stops', { reason })
    unfollow()
    await collector.stop()
    // A part that hangs must not keep the node alive: what matters is on the disk already.
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref()
    await node.stop()
    if (leave) await forgetMembership(deps, home)
    logger.info('the node has stopped')
  } finally {
    await webConsole.stop()
    home.close()
  }
}

collectBuffersLikeObjects()
forgoFetch()
await runEntry(optionsSchema, run)
// Sockets that the other end keeps half open would hold the process.
process.stdout.write('', () => process.exit())
