import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Clock } from '../../platform/clock.ts'
import type { Random } from '../../platform/random.ts'
import { until } from '../until.ts'
import { createGapMeter } from './gap-meter.ts'
import { createViolations, type Violation } from './violation.ts'

export interface ProberOptions {
  /** On 127.0.0.1: of a forward that leads to an echo. */
  readonly port: number
  /** Default 20. */
  readonly intervalMs?: number
  /** Longer than this without an answer is a violation. Default: no limit. */
  readonly maxGapMs?: number
}

export interface ProbeReport {
  readonly sent: number
  readonly answered: number
  /** Longest time between two answers; the interval of the requests is in it. */
  readonly longestGapMs: number
  /** Of each request that was answered, the last 100,000 of them. */
  readonly roundTripsMs: readonly number[]
  /** How long this process itself did not run: a gap no longer than that says nothing. */
  readonly ownStallMs: number
  readonly violations: readonly Violation[]
}

/**
 * One TCP connection on which a numbered request with a random payload leaves every 20 ms, and whose answers have to be
 * the same bytes in the same order, each once. Knows nothing of the product: it is a client like any other.
 */
export interface RequestProber {
  report(): ProbeReport
  /** The longest gap that ended, or goes on, after this moment of `clock.monotonicMs()`. */
  longestGapMs(sinceMs: number): number
  /** Sends no more, waits for what is missing, and closes. */
  finish(limitMs?: number): Promise<ProbeReport>
}

const INTERVAL_MS = 20
const FINISH_MS = 10_000
/** `magic u32, seq u32, size u16`, big endian, then `size` bytes. */
const MAGIC = 0x78_30_74_71
const HEADER_BYTES = 10
const MIN_PAYLOAD = 16
const MAX_PAYLOAD = 240
const MAX_ROUND_TRIPS = 100_000
/** At 20 ms more than an hour: by then nothing is coming any more. */
const MAX_OUTSTANDING = 200_000

interface Outstanding {
  readonly bytes: Buffer
  readonly sentMs: number
}

export async function startRequestProber(
  deps: { readonly clock: Clock; readonly random: Random },
  options: ProberOptions,
): Promise<RequestProber> {
  const socket = connect({ host: '127.0.0.1', port: options.port, noDelay: true })
  await once(socket, 'connect')
  return new Prober(deps, options, socket)
}

class Prober implements RequestProber {
  readonly #clock: Clock
  readonly #random: Random
  readonly #options: ProberOptions
  readonly #socket: Socket
  readonly #violations
  readonly #gaps
  readonly #timer: NodeJS.Timeout
  readonly #outstanding = new Map<number, Outstanding>()
  readonly #roundTripsMs: number[] = []
  #received = Buffer.alloc(0)
  #sent = 0
  #answered = 0
  #expected = 0
  #lastTickMs: number
  #ownStallMs = 0
  #isOver = false
  #isLate = false

  constructor(deps: { clock: Clock; random: Random }, options: ProberOptions, socket: Socket) {
    this.#clock = deps.clock
    this.#random = deps.random
    this.#options = options
    this.#socket = socket
    const nowMs = () => deps.clock.monotonicMs()
    this.#violations = createViolations(nowMs)
    this.#gaps = createGapMeter(nowMs)
    this.#lastTickMs = nowMs()
    this.#timer = setInterval(() => this.#tick(), options.intervalMs ?? INTERVAL_MS)
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', (error) => this.#broken(error.message))
    socket.on('end', () => this.#broken('the other end closed it'))
  }

  report(): ProbeReport {
    return {
      sent: this.#sent,
      answered: this.#answered,
      longestGapMs: this.#gaps.longestMs({ isWaiting: this.#isWaiting() }),
      roundTripsMs: [...this.#roundTripsMs],
      ownStallMs: this.#ownStallMs,
      violations: [...this.#violations.list],
    }
  }

  longestGapMs(sinceMs: number): number {
    return this.#gaps.longestMs({ sinceMs, isWaiting: this.#isWaiting() })
  }

  async finish(limitMs = FINISH_MS): Promise<ProbeReport> {
    clearInterval(this.#timer)
    const isDone = (): boolean => this.#outstanding.size === 0 || this.#isOver
    await until(isDone, limitMs, 'the last answers').catch(() => {})
    const missing = this.#outstanding.size
    if (missing > 0) this.#violations.add('unanswered', `${missing} requests have no answer`)
    const report = this.report()
    this.#isOver = true
    this.#socket.destroy()
    return report
  }

  #isWaiting(): boolean {
    return this.#outstanding.size > 0 && !this.#isOver
  }

  #tick(): void {
    const nowMs = this.#clock.monotonicMs()
    const lateMs = nowMs - this.#lastTickMs - (this.#options.intervalMs ?? INTERVAL_MS)
    this.#lastTickMs = nowMs
    this.#ownStallMs = Math.max(this.#ownStallMs, lateMs)
    if (this.#isOver || this.#outstanding.size >= MAX_OUTSTANDING) return
    const { maxGapMs } = this.#options
    const silentMs = this.#gaps.longestMs({ sinceMs: nowMs, isWaiting: this.#isWaiting() })
    if (maxGapMs !== undefined && silentMs > maxGapMs && !this.#isLate) {
      this.#isLate = true
      this.#violations.add('too-slow', `no answer for more than ${maxGapMs} ms`)
    }
    const size = MIN_PAYLOAD + Math.floor(this.#random.unit() * (MAX_PAYLOAD - MIN_PAYLOAD))
    const bytes = Buffer.alloc(HEADER_BYTES + size)
    bytes.writeUInt32BE(MAGIC, 0)
    bytes.writeUInt32BE(this.#sent, 4)
    bytes.writeUInt16BE(size, 8)
    bytes.set(this.#random.bytes(size), HEADER_BYTES)
    this.#outstanding.set(this.#sent, { bytes, sentMs: nowMs })
    this.#sent += 1
    this.#socket.write(bytes)
  }

  #take(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk])
    while (!this.#isOver && this.#received.length >= HEADER_BYTES) {
      const size = this.#received.readUInt16BE(8)
      if (this.#received.readUInt32BE(0) !== MAGIC || size > MAX_PAYLOAD) {
        this.#isOver = true
        this.#violations.add('corrupt', `after ${this.#answered} answers came something that is none`)
        return
      }
      if (this.#received.length < HEADER_BYTES + size) return
      const frame = this.#received.subarray(0, HEADER_BYTES + size)
      this.#received = this.#received.subarray(HEADER_BYTES + size)
      this.#judge(frame)
    }
  }

  #judge(frame: Buffer): void {
    const seq = frame.readUInt32BE(4)
    const request = this.#outstanding.get(seq)
    if (request === undefined) {
      if (seq < this.#sent) this.#violations.add('repeated', `answer ${seq} came again`)
      else this.#violations.add('corrupt', `answer ${seq} was never asked for`)
      return
    }
    if (seq > this.#expected) {
      this.#violations.add('lost', `answers ${this.#expected} to ${seq - 1} were missing when ${seq} came`)
    } else if (seq < this.#expected) {
      this.#violations.add('reordered', `answer ${seq} came after ${this.#expected - 1}`)
    }
    this.#expected = Math.max(this.#expected, seq + 1)
    this.#outstanding.delete(seq)
    if (!frame.equals(request.bytes)) {
      this.#violations.add('corrupt', `answer ${seq} is not what was sent`)
      return
    }
    this.#answered += 1
    this.#isLate = false
    this.#gaps.mark()
    if (this.#roundTripsMs.length === MAX_ROUND_TRIPS) this.#roundTripsMs.shift()
    this.#roundTripsMs.push(this.#clock.monotonicMs() - request.sentMs)
  }

  #broken(why: string): void {
    if (this.#isOver) return
    this.#isOver = true
    clearInterval(this.#timer)
    this.#violations.add(
      'connection-lost',
      `${why}; ${this.#answered} of ${this.#sent} requests were answered`,
    )
  }
}
