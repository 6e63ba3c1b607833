import { ValueType } from '@opentelemetry/api'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AggregationTemporality,
  DataPointType,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics'
import type { MetricFamily } from '../../contract/metrics.ts'
import { PRODUCT_VERSION } from '../../contract/version.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import { withSecret, wordOf } from '../alerts/channel-secret.ts'

export interface OtlpSettings {
  /** Of the collector, without `/v1/metrics`. */
  readonly url: string
  /** Holds a bearer token. */
  readonly secretFile?: string | undefined
  readonly everyMs: number
}

export interface OtlpDeps {
  readonly clock: Clock
  collect(): readonly MetricFamily[]
  /** Why figures did not arrive; undefined when they did. */
  onOutcome(problem: string | undefined): void
}

export interface OtlpExport {
  /** Sends now, besides the regular times. */
  flush(): Promise<void>
  stop(): Promise<void>
}

const TIMEOUT_MS = 10_000
const MIN_TOKEN_BYTES = 8

/** Sends the figures of a node to an OpenTelemetry collector (OTLP over HTTP, JSON). Loaded where a collector is set. */
export function startOtlpExport(
  { clock, collect, onOutcome }: OtlpDeps,
  settings: OtlpSettings,
  who: { readonly node: string; readonly mesh: string; readonly peer: string },
): OtlpExport {
  const resource = resourceFromAttributes({
    ...{ 'service.name': 'x0t', 'service.version': PRODUCT_VERSION, 'service.instance.id': who.peer },
    ...{ 'host.name': who.node, 'x0t.mesh': who.mesh },
  })
  const startedAt = clock.now()
  const scope = { name: 'x0t', version: PRODUCT_VERSION }
  const producer = {
    async collect() {
      const times = { startTime: hrTime(startedAt), endTime: hrTime(clock.now()) }
      const metrics = collect().map((family) => metricData(family, times))
      return { resourceMetrics: { resource, scopeMetrics: [{ scope, metrics }] }, errors: [] }
    },
  }
  const reader = new PeriodicExportingMetricReader({
    exporter: observed(createExporter(settings), onOutcome),
    ...{
      exportIntervalMillis: settings.everyMs,
      exportTimeoutMillis: Math.min(TIMEOUT_MS, settings.everyMs),
    },
    metricProducers: [producer],
  })
  const provider = new MeterProvider({ resource, readers: [reader] })
  return { flush: () => provider.forceFlush(), stop: () => provider.shutdown() }
}

type HrTime = [number, number]
const hrTime = (ms: number): HrTime => [Math.floor(ms / 1_000), Math.round((ms % 1_000) * 1_000_000)]

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/_seconds(_total)?$/, 's'],
  [/_bytes$/, 'By'],
]

function metricData(
  { name, help, type, samples }: MetricFamily,
  times: { readonly startTime: HrTime; readonly endTime: HrTime },
): MetricData {
  const unit = UNITS.find(([pattern]) => pattern.test(name))?.[1] ?? '1'
  const common = {
    descriptor: { name, description: help, unit, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPoints: samples.map(({ labels, value }) => ({ ...times, attributes: { ...labels }, value })),
  }
  return type === 'counter'
    ? { ...common, dataPointType: DataPointType.SUM, isMonotonic: true }
    : { ...common, dataPointType: DataPointType.GAUGE }
}

function createExporter({ url, secretFile }: OtlpSettings): OTLPMetricExporter {
  const what = 'the collector'
  return new OTLPMetricExporter({
    ...{ url: `${url.replace(/\/+$/, '')}/v1/metrics`, timeoutMillis: TIMEOUT_MS },
    // Read each time: a new token needs no restart.
    headers: async () =>
      secretFile === undefined
        ? {}
        : withSecret(what, secretFile, MIN_TOKEN_BYTES, async (secret) => ({
            authorization: `Bearer ${wordOf(what, secret)}`,
          })),
  })
}

/** The library keeps failures to itself. */
function observed(inner: OTLPMetricExporter, onOutcome: OtlpDeps['onOutcome']): PushMetricExporter {
  return {
    export(metrics, done) {
      inner.export(metrics, (result) => {
        onOutcome(result.code === 0 ? undefined : messageOf(result.error ?? 'no reason was given'))
        done(result)
      })
    },
    forceFlush: () => inner.forceFlush(),
    shutdown: () => inner.shutdown(),
  }
}
