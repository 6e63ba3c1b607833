import { readFileSync } from 'node:fs'
import type { ConsoleSession } from '../../contract/console-schemas.ts'
import type { NodeApi } from '../../control/node-api.ts'
import type { RemoteCaller } from '../../control/remote/remote-caller.ts'
import { createRouter } from '../../control/router.ts'
import type { Sessions } from '../../control/web/sessions.ts'
import type { WebServer } from '../../control/web/web-server.ts'
import type { Role } from '../../domain/role.ts'
import type { Clock } from '../../platform/clock.ts'
import { FaultError, messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import type { Config } from '../config/schema.ts'

export type ConsoleFault =
  | { code: 'CONSOLE_OFF' }
  | { code: 'CONSOLE_TLS_UNREADABLE'; path: string }
  | { code: 'UNKNOWN_SESSION'; id: string }

/** The web console of one process. Its parts are loaded when it is first needed: an idle node does without their memory. */
export interface WebConsole extends Lifecycle {
  /** A link to the console, which is started if it does not run yet. */
  link(role: Role): Promise<{ url: string; role: Role; expiresAt: number }>
  sessions(): ConsoleSession[]
  signOut(id: string): void
  /** While started, this is what the console serves; pages are told to connect again. */
  serving(api: NodeApi, remote?: RemoteCaller): Lifecycle
}

export interface WebConsoleDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** The store's `meta`, in which the port is kept: a page that is open then finds a node that was started again. */
  readonly meta: { get(key: string): string | undefined; set(key: string, value: string): void } | undefined
}

export interface WebConsoleOptions {
  readonly config: Config['console']
  /** The folder of the built page. */
  readonly page: string
}

const PORT_KEY = 'console.port'

interface Running {
  readonly server: WebServer
  readonly sessions: Sessions
}

export function createWebConsole(deps: WebConsoleDeps, { config, page }: WebConsoleOptions): WebConsole {
  let served: { readonly api: NodeApi; readonly remote?: RemoteCaller } | undefined
  let starting: Promise<Running> | undefined
  let running: Running | undefined

  async function start(): Promise<Running> {
    const tls = config.tls === undefined ? undefined : readTls(config.tls)
    const [{ createSessions }, { startWebServer }] = await Promise.all([
      import('../../control/web/sessions.ts'),
      import('../../control/web/web-server.ts'),
    ])
    const { clock, random, logger } = deps
    const sessions = createSessions({ clock, random }, config)
    let router: { of: object; router: ReturnType<typeof createRouter> } | undefined
    const current = (): ReturnType<typeof createRouter> => {
      if (served === undefined) throw new TypeError('the console serves while there is something to serve')
      if (router?.of !== served) router = { of: served, router: createRouter({ ...served, clock, logger }) }
      return router.router
    }
    const server = await startAtPort({ startWebServer, sessions, tls, router: current })
    logger.info('the web console is up', { address: server.origin })
    return { server, sessions }
  }

  /** At the port of before, or at another if somebody has taken it since. */
  async function startAtPort(parts: {
    startWebServer: typeof import('../../control/web/web-server.ts').startWebServer
    sessions: Sessions
    tls: ReturnType<typeof readTls> | undefined
    router: () => ReturnType<typeof createRouter>
  }): Promise<WebServer> {
    const { startWebServer, tls, ...rest } = parts
    const kept = Number(deps.meta?.get(PORT_KEY) ?? 0)
    const ports = config.listen.port !== 0 ? [config.listen.port] : kept > 0 ? [kept, 0] : [0]
    for (const [index, port] of ports.entries()) {
      try {
        const server = await startWebServer(
          { clock: deps.clock, logger: deps.logger, ...rest },
          { host: config.listen.host, port, tls, hosts: config.hosts, page, idleMs: config.idleMs },
        )
        if (config.listen.port === 0) deps.meta?.set(PORT_KEY, String(server.port))
        return server
      } catch (error) {
        if (index === ports.length - 1) throw error
        deps.logger.warn('the port of the web console is taken', { port, reason: messageOf(error) })
      }
    }
    throw new TypeError('there is a port to try')
  }

  async function require(): Promise<Running> {
    if (!config.enabled) {
      throw new FaultError<ConsoleFault>(
        { code: 'CONSOLE_OFF' },
        'the web console of this node is switched off',
        {
          hint: 'Set enabled: true under console in x0t.yaml, and start the node again.',
        },
      )
    }
    if (running !== undefined) return running
    starting ??= start().finally(() => {
      starting = undefined
    })
    running = await starting
    return running
  }

  return {
    async start() {
      if (config.enabled && config.start === 'always') await require()
    },
    async stop() {
      const ended = running ?? (await starting?.catch(() => undefined))
      running = undefined
      ended?.sessions.endAll()
      await ended?.server.stop()
    },
    async link(role) {
      const { server, sessions } = await require()
      const { secret, expiresAt } = sessions.createSecret(role)
      return { url: `${server.origin}/#sign-in=${secret}`, role, expiresAt }
    },
    sessions: () =>
      (running?.sessions.list() ?? []).map((session) => ({
        ...session,
        connections: running?.server.connectionsOf(session.id) ?? 0,
      })),
    signOut(id) {
      if (running?.sessions.end(id) === true) return
      throw new FaultError<ConsoleFault>(
        { code: 'UNKNOWN_SESSION', id },
        `no browser is signed in as ${id}`,
        {
          hint: 'It may have ended by itself.',
        },
      )
    },
    serving: (api, remote) => ({
      async start() {
        served = remote === undefined ? { api } : { api, remote }
        running?.server.reconnectAll()
      },
      // What was served goes on answering, that it stops or has stopped, until there is something else.
      async stop() {},
    }),
  }
}

function readTls({ cert, key }: NonNullable<Config['console']['tls']>): { cert: Buffer; key: Buffer } {
  const read = (path: string): Buffer => {
    try {
      return readFileSync(path)
    } catch (cause) {
      throw new FaultError<ConsoleFault>(
        { code: 'CONSOLE_TLS_UNREADABLE', path },
        `the console's ${path} cannot be read: ${messageOf(cause)}`,
        { cause, hint: 'See console.tls in x0t.yaml.' },
      )
    }
  }
  return { cert: read(cert), key: read(key) }
}
