import type { MetricFamily } from '../../contract/metrics.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import { buildStatus } from '../api/status.ts'
import type { Config } from '../config/schema.ts'
import type { NodeParts } from '../node-parts.ts'
import type { MetricsServer } from './metrics-server.ts'

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

/** The endpoint for Prometheus, where the settings want one. A port that is taken is no reason not to be a node. */
export function createMetricsEndpoint(parts: NodeParts, { enabled, listen }: Config['metrics']): Lifecycle {
  const { health, logger } = parts
  const where = `${listen.host}:${listen.port}`
  let server: MetricsServer | undefined
  return {
    async start() {
      if (!enabled || server !== undefined) return
      try {
        const { startMetricsServer } = await import('./metrics-server.ts')
        server = await startMetricsServer(await readMetrics(parts), listen)
        logger.info('metrics are served', { host: listen.host, port: server.port })
      } catch (error) {
        logger.error('metrics are not served', { where, error: messageOf(error) })
        health.raise({
          ...{ code: 'metrics-unavailable', severity: 'warning', impactsConnectivity: false },
          title: `Metrics are not served at ${where}: ${messageOf(error)}. Set metrics.listen in x0t.yaml to a free port and start the node again.`,
        })
      }
    },
    async stop() {
      await server?.close()
      server = undefined
    },
  }
}
