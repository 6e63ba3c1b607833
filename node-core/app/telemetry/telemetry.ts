import type { MetricFamily } from '../../contract/metrics.ts'
import type { HandshakeEvents } from '../../noise-hfs/events.ts'
import type { Emitter } from '../../platform/emitter.ts'
import { messageOf } from '../../platform/error.ts'
import type { Log } from '../logging/log.ts'
import type { NodeParts } from '../node-parts.ts'
import { followEvents } from './event-spans.ts'
import type { OnOutcome, OtlpExport, OtlpSettings } from './otlp-ends.ts'
import type { OtlpSignal } from './signals.ts'
import type { FinishedSpan, SpanLine } from './span-line.ts'

/** What is told of besides figures. */
export interface TelemetrySources {
  readonly spans: Pick<SpanLine, 'events'>
  readonly handshakes: Pick<Emitter<HandshakeEvents>, 'on'>
  readonly log: Pick<Log, 'follow'>
}

export interface TelemetryDeps extends TelemetrySources {
  readonly clock: NodeParts['clock']
  readonly logger: NodeParts['logger']
  readonly health: Pick<NodeParts['health'], 'raise' | 'clear'>
  readonly facts: Pick<NodeParts['facts'], 'nodeName' | 'name'>
  readonly membership: Pick<NodeParts['membership'], 'self' | 'events'>
  readonly heal: { readonly loop: Pick<NodeParts['heal']['loop'], 'events'> }
  readonly collect: () => readonly MetricFamily[]
}

export interface TelemetrySettings extends OtlpSettings {
  readonly signals: readonly OtlpSignal[]
}

/** Sends the signals that the settings name to their collector, each with a library of its own that is loaded for it alone. */
export async function startTelemetry(deps: TelemetryDeps, settings: TelemetrySettings): Promise<OtlpExport> {
  const { clock, collect, facts, membership, spans, handshakes, heal, log } = deps
  const self = { node: facts.nodeName, mesh: facts.name, peer: membership.self }
  const outcomes = createOutcomes(deps)
  const followSpans = (record: (span: FinishedSpan) => void): (() => void) => {
    const offs = [
      spans.events.on('finished', record),
      followEvents({ clock, handshakes, membership: membership.events, plans: heal.loop.events }, record),
    ]
    return () => {
      for (const off of offs) off()
    }
  }
  const starts: Readonly<Record<OtlpSignal, (onOutcome: OnOutcome) => Promise<OtlpExport>>> = {
    metrics: async (onOutcome) =>
      (await import('./otlp-metrics.ts')).startOtlpMetrics({ clock, collect, onOutcome }, settings, self),
    traces: async (onOutcome) =>
      (await import('./otlp-traces.ts')).startOtlpTraces(followSpans, onOutcome, settings, self),
    logs: async (onOutcome) =>
      (await import('./otlp-logs.ts')).startOtlpLogs(log.follow, onOutcome, settings, self),
  }
  const exports = await Promise.all(
    [...new Set(settings.signals)].map((signal) => starts[signal](outcomes(signal))),
  )
  return {
    async flush() {
      await Promise.all(exports.map((one) => one.flush()))
    },
    async stop() {
      await Promise.all(exports.map((one) => one.stop()))
    },
  }
}

/** Says in the status what does not arrive, and in the log when that begins: a line for each failure would feed itself. */
function createOutcomes({ health, logger }: Pick<TelemetryDeps, 'health' | 'logger'>) {
  const code = 'otlp-failing'
  const problems = new Map<OtlpSignal, string>()
  return (signal: OtlpSignal): OnOutcome =>
    (problem) => {
      if (problem === undefined) problems.delete(signal)
      else {
        if (!problems.has(signal))
          logger.warn('the collector did not take what it was sent', { signal, reason: messageOf(problem) })
        problems.set(signal, problem)
      }
      if (problems.size === 0) health.clear(code)
      else {
        const why = [...problems].map(([what, reason]) => `${what}: ${reason}`).join('; ')
        const title = `The collector in metrics.otlp of x0t.yaml does not take what this node sends (${why}). What waits is kept up to a bound and then lost.`
        health.raise({ code, severity: 'warning', title, impactsConnectivity: false })
      }
    }
}
