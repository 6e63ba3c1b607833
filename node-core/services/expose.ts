import type { ServiceName } from '../domain/ids.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Random } from '../platform/random.ts'
import type { Tally } from './flow-ledger.ts'
import { createTally } from './flow-ledger.ts'
import { type Check, parseCheck, runCheck } from './health-check.ts'
import {
  type CheckTime,
  createHealthMonitor,
  type Health,
  type HealthMonitorOptions,
} from './health-monitor.ts'
import type { AnnouncedService, ServiceRow, ServiceStore } from './ports.ts'
import { serviceFault } from './service-fault.ts'
import type { Target, TargetDialer } from './target.ts'
import { formatTarget, parseTarget } from './target.ts'

/** A node record holds at most so many. */
const MAX_SERVICES = 256

export interface ExposeRequest {
  readonly name: ServiceName
  /** `HOST:PORT` or `[IPV6]:PORT`, reached from this node. */
  readonly target: string
  /** `tcp` or `http:/path`; without one the service counts as usable and its state is unknown. */
  readonly check?: string | undefined
}

/** A service of this node. */
export interface ExposedService {
  readonly name: ServiceName
  readonly target: Target
  readonly check: string | undefined
  readonly health: Health
  readonly checked: CheckTime | undefined
  readonly tally: Tally
  /** Whether others should use it now. */
  readonly usable: boolean
  /** To be called when a flow found the target dead. */
  suspect(): void
}

/** What this node exposes; nothing else is reachable through it. */
export interface ExposedServices {
  /** Begins with what is kept, and checks it from now on. */
  start(): void
  stop(): void
  /**
   * Exposes a target, or replaces the target and the check of a service that exists.
   *
   * @throws FaultError BAD_TARGET, BAD_CHECK, TOO_MANY_SERVICES, SERVICES_STOPPED, and what the store throws
   */
  expose(request: ExposeRequest): Promise<ExposedService>
  /** @throws FaultError SERVICE_NOT_FOUND, and what the store throws */
  unexpose(name: ServiceName): void
  find(name: ServiceName): ExposedService | undefined
  list(): readonly ExposedService[]
  announced(): readonly AnnouncedService[]
}

export interface ExposeDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly dialer: TargetDialer
  readonly store: ServiceStore['services']
  /** Called after anything changed that others should hear of. */
  readonly onChange: () => void
}

export interface ExposeOptions extends HealthMonitorOptions {
  readonly checkTimeoutMs: number
}

interface Running extends ExposedService {
  stop(): void
}

export function createExposedServices(deps: ExposeDeps, options: ExposeOptions): ExposedServices {
  const { store, logger, onChange } = deps
  const running = new Map<ServiceName, Running>()
  let stopped = true

  const run = (row: ServiceRow): Running => {
    running.get(row.name)?.stop()
    const service = runService(deps, options, row, running.get(row.name)?.tally ?? createTally())
    running.set(row.name, service)
    onChange()
    return service
  }
  const list = () => [...running.values()].sort((left, right) => (left.name < right.name ? -1 : 1))
  return {
    start() {
      stopped = false
      for (const row of store.list()) run(row)
    },
    stop() {
      stopped = true
      for (const service of running.values()) service.stop()
      running.clear()
    },
    async expose(request) {
      const row = await validateRequest(deps.dialer, request)
      if (stopped) throw serviceFault({ code: 'SERVICES_STOPPED' }, 'the node is stopping')
      if (!running.has(row.name) && running.size >= MAX_SERVICES) throw tooMany()
      store.put(row)
      logger.info('service exposed', { service: row.name, target: formatTarget(row), check: row.check })
      return run(row)
    },
    unexpose(name) {
      const service = running.get(name)
      if (service === undefined) throw notFound(name)
      store.remove(name)
      service.stop()
      running.delete(name)
      logger.info('service no longer exposed', { service: name })
      onChange()
    },
    find: (name) => running.get(name),
    list,
    announced: () => list().map(({ name, usable }) => ({ name, healthy: usable })),
  }
}

async function validateRequest(dialer: TargetDialer, request: ExposeRequest): Promise<ServiceRow> {
  const target = parseTarget(request.target)
  if (target === undefined) {
    throw serviceFault(
      { code: 'BAD_TARGET', target: request.target, why: 'syntax' },
      `'${request.target}' is not a target`,
      { hint: 'Write HOST:PORT, for example 127.0.0.1:8080 or [::1]:8080.' },
    )
  }
  if (request.check !== undefined && parseCheck(request.check) === undefined) {
    throw serviceFault({ code: 'BAD_CHECK', check: request.check }, `'${request.check}' is not a check`, {
      hint: 'Write tcp, or http:/path for a GET that has to answer 2xx or 3xx.',
    })
  }
  if (await dialer.isOwnPort(target)) {
    throw serviceFault(
      { code: 'BAD_TARGET', target: request.target, why: 'own-port' },
      `${request.target} is a port of the node itself`,
      { hint: 'Expose the port of the program that others should reach; the node keeps its own to itself.' },
    )
  }
  return { name: request.name, ...target, check: request.check }
}

function runService(deps: ExposeDeps, options: ExposeOptions, row: ServiceRow, tally: Tally): Running {
  const target: Target = { host: row.host, port: row.port }
  const check = row.check === undefined ? undefined : parseCheck(row.check)
  const monitor = check === undefined ? undefined : monitorOf(deps, options, { row, target, check })
  monitor?.start()
  return {
    name: row.name,
    target,
    check: row.check,
    tally,
    get health() {
      return monitor?.health ?? { kind: 'unknown' }
    },
    get checked() {
      return monitor?.checked
    },
    get usable() {
      return monitor === undefined || monitor.health.kind === 'healthy'
    },
    suspect: () => monitor?.hurry(),
    stop: () => monitor?.stop(),
  }
}

function monitorOf(
  deps: ExposeDeps,
  options: ExposeOptions,
  { row, target, check }: { row: ServiceRow; target: Target; check: Check },
) {
  const timeoutMs = options.checkTimeoutMs
  return createHealthMonitor(
    {
      clock: deps.clock,
      random: deps.random,
      check: (signal) => runCheck(deps, { check, target, timeoutMs }, signal),
      onChange(health, before) {
        if (health.kind === 'unhealthy') {
          deps.logger.warn('service is unhealthy', { service: row.name, reason: health.reason })
        } else {
          deps.logger.info('service is healthy', { service: row.name })
        }
        if (health.kind !== before.kind) deps.onChange()
      },
    },
    options,
  )
}

const notFound = (service: ServiceName) =>
  serviceFault({ code: 'SERVICE_NOT_FOUND', service }, `this node exposes no service '${service}'`, {
    hint: 'x0t services lists what is exposed.',
  })

const tooMany = () =>
  serviceFault(
    { code: 'TOO_MANY_SERVICES', limit: MAX_SERVICES },
    `this node exposes ${MAX_SERVICES} services already`,
    { hint: 'Unexpose one that is not needed.' },
  )
