import { type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import { PRODUCT_VERSION } from '../../contract/version.ts'
import { messageOf } from '../../platform/error.ts'
import { withSecret, wordOf } from '../alerts/channel-secret.ts'
import { cleanText } from '../logging/clean-fields.ts'
import type { OtlpSignal } from './signals.ts'

export interface OtlpSettings {
  /** Of the collector, without `/v1/metrics`. */
  readonly url: string
  /** Holds a bearer token. */
  readonly secretFile?: string | undefined
  readonly everyMs: number
}

/** Whose telemetry it is. */
export interface OtlpSelf {
  readonly node: string
  readonly mesh: string
  readonly peer: string
}

export interface OtlpExport {
  /** Sends now, besides the regular times. */
  flush(): Promise<void>
  stop(): Promise<void>
}

interface Provider {
  forceFlush(): Promise<void>
  shutdown(): Promise<void>
}

/** @param off ends what the provider is given */
export const exportOf = (provider: Provider, off: () => void = () => {}): OtlpExport => ({
  flush: () => provider.forceFlush(),
  async stop() {
    off()
    await provider.shutdown()
  },
})

/** Why something did not arrive; undefined when it did. */
export type OnOutcome = (problem: string | undefined) => void

export const TIMEOUT_MS = 10_000
const MIN_TOKEN_BYTES = 8
const MAX_VALUE_LENGTH = 1_024

/** Spans or log lines that wait for a collector; the newest are dropped when it is full. */
export const QUEUE = {
  ...{ maxQueueSize: 1_024, maxExportBatchSize: 256, scheduledDelayMillis: 5_000 },
  exportTimeoutMillis: TIMEOUT_MS,
}
export const LIMITS = { attributeValueLengthLimit: MAX_VALUE_LENGTH, attributeCountLimit: 32 }

export const scope = { name: 'x0t', version: PRODUCT_VERSION }

export const resourceOf = ({ node, mesh, peer }: OtlpSelf): Resource =>
  resourceFromAttributes({
    ...{ 'service.name': 'x0t', 'service.version': PRODUCT_VERSION, 'service.instance.id': peer },
    ...{ 'host.name': node, 'x0t.mesh': mesh },
  })

/** For an exporter of the library. */
export function exporterOptions({ url, secretFile }: OtlpSettings, signal: OtlpSignal) {
  const what = 'the collector'
  return {
    ...{ url: `${url.replace(/\/+$/, '')}/v1/${signal}`, timeoutMillis: TIMEOUT_MS },
    // Read each time: a new token needs no restart.
    headers: async (): Promise<Record<string, string>> =>
      secretFile === undefined
        ? {}
        : withSecret(what, secretFile, MIN_TOKEN_BYTES, async (secret) => ({
            authorization: `Bearer ${wordOf(what, secret)}`,
          })),
  }
}

interface Exporter<T> {
  export(items: T, done: (result: { code: number; error?: Error }) => void): void
  forceFlush?(): Promise<void>
  shutdown(): Promise<void>
}

/** The library keeps failures to itself. */
export function observed<T>(inner: Exporter<T>, onOutcome: OnOutcome): Required<Exporter<T>> {
  return {
    export(items, done) {
      inner.export(items, (result) => {
        onOutcome(result.code === 0 ? undefined : messageOf(result.error ?? 'no reason was given'))
        done(result)
      })
    },
    forceFlush: async () => inner.forceFlush?.(),
    shutdown: () => inner.shutdown(),
  }
}

export type HrTime = [number, number]
/** Milliseconds since the Unix epoch as the library wants them, which takes small numbers for another clock. */
export const hrTime = (ms: number): HrTime => [Math.floor(ms / 1_000), Math.round((ms % 1_000) * 1_000_000)]

/** What may hold an invite does not leave the node with it. */
export const bounded = (text: string): string => cleanText(text).slice(0, MAX_VALUE_LENGTH)
