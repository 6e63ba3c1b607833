import { ValueType } from '@opentelemetry/api'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import {
  AggregationTemporality,
  DataPointType,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import type { MetricFamily } from '../../contract/metrics.ts'
import type { Clock } from '../../platform/clock.ts'
import {
  exporterOptions,
  exportOf,
  type HrTime,
  hrTime,
  type OnOutcome,
  type OtlpExport,
  type OtlpSelf,
  type OtlpSettings,
  observed,
  resourceOf,
  scope,
  TIMEOUT_MS,
} from './otlp-ends.ts'

export interface OtlpDeps {
  readonly clock: Clock
  collect(): readonly MetricFamily[]
  readonly onOutcome: OnOutcome
}

/** Sends the figures of a node to an OpenTelemetry collector (OTLP over HTTP, JSON). Loaded where a collector is set. */
export function startOtlpMetrics(
  { clock, collect, onOutcome }: OtlpDeps,
  settings: OtlpSettings,
  self: OtlpSelf,
): OtlpExport {
  const resource = resourceOf(self)
  const startedAt = clock.now()
  const producer = {
    async collect() {
      const times = { startTime: hrTime(startedAt), endTime: hrTime(clock.now()) }
      const metrics = collect().map((family) => metricData(family, times))
      return { resourceMetrics: { resource, scopeMetrics: [{ scope, metrics }] }, errors: [] }
    },
  }
  const reader = new PeriodicExportingMetricReader({
    exporter: observed(new OTLPMetricExporter(exporterOptions(settings, 'metrics')), onOutcome),
    ...{
      exportIntervalMillis: settings.everyMs,
      exportTimeoutMillis: Math.min(TIMEOUT_MS, settings.everyMs),
    },
    metricProducers: [producer],
  })
  const provider = new MeterProvider({ resource, readers: [reader] })
  return exportOf(provider)
}

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
