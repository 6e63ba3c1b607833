import type { MetricFamily } from '../../contract/metrics.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import { withTimeout } from '../../platform/wait.ts'
import { buildStatus } from '../api/status.ts'
import type { Config } from '../config/schema.ts'
import type { NodeParts } from '../node-parts.ts'
import type { OtlpExport } from '../telemetry/otlp-ends.ts'
import type { TelemetrySources } from '../telemetry/telemetry.ts'
import type { MetricsServer } from './metrics-server.ts'

const LAST_MS = 1_000

/** Reads the figures of a running node. Loaded when somebody first asks. */
export async function readMetrics(parts: NodeParts): Promise<() => MetricFamily[]> {
  const { collectMetrics } = await import('./collect-metrics.ts')
  const { membership, incidents, heal, alerts, startedAt } = parts
  return () => {
    const { user, system } = process.cpuUsage()
    const { rss, heapUsed } = process.memoryUsage()
    return collectMetrics({
      ...{ status: buildStatus(parts), loop: heal.loop.status(), alerts: alerts.list(), startedAt },
      incidents: incidents.list({ open: true }).map(({ severity }) => severity),
      certificateEnds: membership.certificateOf(membership.self)?.expiresAt,
      process: { residentBytes: rss, heapBytes: heapUsed, cpuMicroseconds: user + system },
    })
  }
}

/** What the settings want of it: an endpoint for Prometheus, a collector that is sent to, both, or nothing loaded at all. */
export function createMetrics(
  parts: NodeParts,
  sources: TelemetrySources,
  { enabled, listen, otlp }: Config['metrics'],
): Lifecycle {
  let server: MetricsServer | undefined
  let exported: OtlpExport | undefined
  return {
    async start() {
      if (enabled && server === undefined) server = await serve(parts, listen)
      if (otlp !== undefined && exported === undefined) {
        const { startTelemetry } = await import('../telemetry/telemetry.ts')
        exported = await startTelemetry({ ...parts, ...sources, collect: await readMetrics(parts) }, otlp)
      }
    },
    async stop() {
      await server?.close()
      server = undefined
      const last = exported
      exported = undefined
      // The last figures may find nobody, which the library tries again and again; that must not hold up the node.
      if (last !== undefined)
        await withTimeout(parts.clock, LAST_MS, 'the last figures', () => last.stop()).catch(() => {})
    },
  }
}

/** A port that is taken is no reason not to be a node. */
async function serve(
  parts: NodeParts,
  listen: Config['metrics']['listen'],
): Promise<MetricsServer | undefined> {
  const { health, logger } = parts
  try {
    const { startMetricsServer } = await import('./metrics-server.ts')
    const server = await startMetricsServer(await readMetrics(parts), listen)
    logger.info('metrics are served', { host: listen.host, port: server.port })
    return server
  } catch (error) {
    const where = `${listen.host}:${listen.port}`
    logger.error('metrics are not served', { where, error: messageOf(error) })
    health.raise({
      ...{ code: 'metrics-unavailable', severity: 'warning', impactsConnectivity: false },
      title: `Metrics are not served at ${where}: ${messageOf(error)}. Set metrics.listen in x0t.yaml to a free port and start the node again.`,
    })
    return undefined
  }
}
