import { SeverityNumber } from '@opentelemetry/api'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http'
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs'
import type { LogLevel } from '../../platform/logger.ts'
import type { LogLine } from '../logging/log.ts'
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

/** https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber */
const SEVERITY: Readonly<Record<LogLevel, SeverityNumber>> = {
  trace: SeverityNumber.TRACE,
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
}

/** Sends the lines of the log to an OpenTelemetry collector, as clean as they are in the file. */
export function startOtlpLogs(
  follow: (record: (line: LogLine) => void) => () => void,
  onOutcome: OnOutcome,
  settings: OtlpSettings,
  self: OtlpSelf,
): OtlpExport {
  const exporter = observed(new OTLPLogExporter(exporterOptions(settings, 'logs')), onOutcome)
  const provider = new LoggerProvider({
    ...{ resource: resourceOf(self), logRecordLimits: LIMITS },
    processors: [new BatchLogRecordProcessor({ exporter, ...QUEUE })],
  })
  const logger = provider.getLogger(scope.name, scope.version)
  const off = follow(({ at, level, message, fields }) => {
    logger.emit({
      ...{ timestamp: hrTime(at), observedTimestamp: hrTime(at), body: bounded(message) },
      ...{ severityNumber: SEVERITY[level], severityText: level.toUpperCase() },
      attributes: Object.fromEntries(
        Object.entries(fields).flatMap(([name, value]) => {
          const one = attributeOf(value)
          return one === undefined ? [] : [[name, one]]
        }),
      ),
    })
  })
  return exportOf(provider, off)
}

/** What is more than one value goes as JSON: collectors search texts, not trees. */
function attributeOf(value: unknown): string | number | boolean | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number' || typeof value === 'boolean') return value
  return bounded(typeof value === 'string' ? value : JSON.stringify(value))
}
