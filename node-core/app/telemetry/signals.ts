/** What an OpenTelemetry collector can be sent. */
export const OTLP_SIGNALS = ['metrics', 'traces', 'logs'] as const
export type OtlpSignal = (typeof OTLP_SIGNALS)[number]
