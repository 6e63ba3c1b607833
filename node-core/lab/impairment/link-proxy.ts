import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../../platform/clock.ts'
import type { Random } from '../../platform/random.ts'
import { labFault } from '../faults.ts'
import { listenOnFreePort, listens } from '../ports.ts'
import { Lane, type Pipe, type Sink, type Source } from './lane.ts'
import { seedOf } from './seeded.ts'
import { type LinkState, OPEN_LINK } from './state.ts'

export interface LinkProxyDeps {
  readonly clock: Clock
  readonly random: Pick<Random, 'unit'>
}

export interface LinkProxyOptions {
  readonly seed: number
  /** Where connections lead to, on 127.0.0.1. */
  readonly targetPort: number
  /** Where it listens; by default where the system has room. */
  readonly port?: number
}

export interface LinkStats {
  readonly connections: number
  /** Connections since the beginning. */
  readonly accepted: number
  readonly forthBytes: number
  readonly backBytes: number
  /** Refusing connections at this moment, as a flapping link does by turns. */
  readonly isCut: boolean
}

/** One link of a lab: a listener of its own, and the impairments that are in force on it. */
export interface LinkProxy {
  /** @returns the port it listens on, the same for ever */
  start(): Promise<number>
  /** Resolves when the state is in force: from then on nothing happens as before. */
  set(state: LinkState): Promise<void>
  retarget(port: number): void
  stats(): LinkStats
  close(): Promise<void>
}

const MAX_CONNECTIONS = 256
const RELISTEN_ATTEMPTS = 50
const RELISTEN_MS = 20

export function createLinkProxy(deps: LinkProxyDeps, options: LinkProxyOptions): LinkProxy {
  return new Proxied(deps, options)
}

/** The two sockets of one connection and the two ways between them. */
interface Carried {
  readonly client: Socket
  target: Socket | undefined
  readonly forth: Pipe
  readonly back: Pipe
}

class Proxied implements LinkProxy {
  readonly #deps: LinkProxyDeps
  readonly #options: LinkProxyOptions
  readonly #forth: Lane
  readonly #back: Lane
  readonly #carried = new Set<Carried>()
  #server: Server | undefined
  #port: number | undefined
  #targetPort: number
  #accepted = 0
  #state = OPEN_LINK
  #cancelFlap = (): void => {}
  /** One change after the other. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(deps: LinkProxyDeps, options: LinkProxyOptions) {
    this.#deps = deps
    this.#options = options
    this.#port = options.port
    this.#targetPort = options.targetPort
    this.#forth = new Lane(deps.clock)
    this.#back = new Lane(deps.clock)
  }

  async start(): Promise<number> {
    await this.#listen()
    if (this.#port === undefined) throw new TypeError('a proxy that listens has a port')
    return this.#port
  }

  set(state: LinkState): Promise<void> {
    return this.#inTurn(async () => {
      this.#cancelFlap()
      this.#state = state
      this.#forth.set(state.forth)
      this.#back.set(state.back)
      if (state.cut || state.flap !== null) this.#cut()
      else await this.#listen()
      if (state.flap !== null) this.#flapAfter(state.flap.downMs, 'up')
      this.#connectWaiting()
    })
  }

  retarget(port: number): void {
    this.#targetPort = port
  }

  stats(): LinkStats {
    return {
      connections: this.#carried.size,
      accepted: this.#accepted,
      forthBytes: this.#forth.passedBytes,
      backBytes: this.#back.passedBytes,
      isCut: this.#server === undefined,
    }
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      this.#cancelFlap()
      this.#cut()
    })
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(change)
    this.#turn = done.catch(() => {})
    return done
  }

  #flapAfter(afterMs: number, to: 'up' | 'down'): void {
    this.#cancelFlap = this.#deps.clock.after(afterMs, () => {
      void this.#inTurn(async () => {
        const { flap } = this.#state
        if (flap === null) return
        if (to === 'up') await this.#listen()
        else this.#cut()
        this.#flapAfter(to === 'up' ? flap.upMs : flap.downMs, to === 'up' ? 'down' : 'up')
      })
    })
  }

  async #listen(): Promise<void> {
    if (this.#server !== undefined) return
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client))
    if (this.#port === undefined) this.#port = await listenOnFreePort(this.#deps.random, server)
    else {
      let attempts = 0
      while (!(await listens(server, this.#port))) {
        if (++attempts === RELISTEN_ATTEMPTS) {
          throw labFault({ code: 'LAB_NO_PORT' }, `port ${this.#port} was taken while its link was cut`)
        }
        await delay(RELISTEN_MS)
      }
    }
    server.on('error', () => {})
    this.#server = server
  }

  #cut(): void {
    this.#server?.close()
    this.#server = undefined
    for (const carried of [...this.#carried]) {
      carried.client.resetAndDestroy()
      carried.target?.resetAndDestroy()
      this.#drop(carried)
    }
  }

  #drop(carried: Carried): void {
    this.#carried.delete(carried)
    carried.forth.close()
    carried.back.close()
  }

  #accept(client: Socket): void {
    client.on('error', () => {})
    if (this.#carried.size >= MAX_CONNECTIONS || this.#server === undefined) {
      client.resetAndDestroy()
      return
    }
    this.#accepted += 1
    const seed = seedOf(this.#options.seed, `connection ${this.#accepted}`)
    const carried: Carried = {
      client,
      target: undefined,
      forth: this.#forth.pipe(
        seedOf(seed, 'forth'),
        client,
        sinkOf(() => carried.target),
      ),
      back: this.#back.pipe(
        seedOf(seed, 'back'),
        sourceOf(() => carried.target),
        sinkOf(() => client),
      ),
    }
    this.#carried.add(carried)
    this.#follow(client, carried, carried.forth, carried.back)
    carried.back.open()
    this.#connect(carried)
  }

  /** A connection takes a way there and a way back. Until both are there, it is accepted here and carried no further. */
  #connect(carried: Carried): void {
    if (carried.target !== undefined || this.#state.forth.held || this.#state.back.held) return
    const target = connect({
      host: '127.0.0.1',
      port: this.#targetPort,
      allowHalfOpen: true,
      noDelay: true,
    })
    carried.target = target
    this.#follow(target, carried, carried.back, carried.forth)
    target.once('connect', () => carried.forth.open())
  }

  #connectWaiting(): void {
    for (const carried of [...this.#carried]) this.#connect(carried)
  }

  /** @param outgoing carries what this socket sends, @param incoming what is for it */
  #follow(socket: Socket, carried: Carried, outgoing: Pipe, incoming: Pipe): void {
    let hasEnded = false
    socket.on('data', (bytes: Buffer) => outgoing.data(bytes))
    socket.on('drain', () => incoming.drained())
    socket.on('end', () => {
      hasEnded = true
      // Whoever gives up before there is a connection was never there.
      if (carried.target === undefined) socket.destroy()
      else outgoing.ended('end')
    })
    socket.on('error', () => {})
    socket.on('close', (hadError) => {
      incoming.sinkGone()
      if (hadError || !hasEnded) outgoing.ended('reset')
      this.#closeWhenDone(carried)
    })
  }

  #closeWhenDone(carried: Carried): void {
    const { client, target } = carried
    if (target === undefined) {
      // The far end never heard of it.
      if (client.destroyed) this.#drop(carried)
    } else if (client.destroyed && target.destroyed) this.#drop(carried)
  }
}

/** A socket that may not be there yet, or not any more. */
function sinkOf(find: () => Socket | undefined): Sink {
  return {
    write: (bytes) => find()?.write(bytes) ?? true,
    end: () => void find()?.end(),
    reset: () => void find()?.resetAndDestroy(),
  }
}

function sourceOf(find: () => Socket | undefined): Source {
  return { pause: () => void find()?.pause(), resume: () => void find()?.resume() }
}
