import { type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import {
  bounded,
  exporterOptions,
  exportOf,
  hrTime,
  LIMITS,
  type OnOutcome,
  type OtlpExport,
  type OtlpSelf,
  type OtlpSettings,
  observed,
  QUEUE,
  resourceOf,
  scope,
} from './otlp-ends.ts'
import type { FinishedSpan } from './span-line.ts'

/** Sends what a node did to an OpenTelemetry collector. Loaded where a collector is to get traces. */
export function startOtlpTraces(
  follow: (record: (span: FinishedSpan) => void) => () => void,
  onOutcome: OnOutcome,
  settings: OtlpSettings,
  self: OtlpSelf,
): OtlpExport {
  const exporter = observed(new OTLPTraceExporter(exporterOptions(settings, 'traces')), onOutcome)
  const provider = new TracerProvider({
    ...{ resource: resourceOf(self), spanLimits: LIMITS },
    spanProcessors: [new BatchSpanProcessor({ exporter, ...QUEUE })],
  })
  const tracer = provider.getTracer(scope.name, scope.version)
  const record = (span: FinishedSpan, parent: Context): void => {
    const attributes = Object.fromEntries(
      Object.entries(span.attributes).map(([name, value]) => [
        name,
        typeof value === 'string' ? bounded(value) : value,
      ]),
    )
    const made = tracer.startSpan(
      span.name,
      { startTime: hrTime(span.startedAt), kind: SpanKind.INTERNAL, attributes },
      parent,
    )
    for (const child of span.children) record(child, trace.setSpan(parent, made))
    if (span.problem !== undefined)
      made.setStatus({ code: SpanStatusCode.ERROR, message: bounded(span.problem) })
    made.end(hrTime(span.endedAt))
  }
  const off = follow((span) => record(span, ROOT_CONTEXT))
  return exportOf(provider, off)
}
