import { describe, expect, it } from 'vitest'
import { createFakeNode } from '../../../tests/helpers/fake-node-api.ts'
import type { MetricFamily } from '../../contract/metrics.ts'
import { metricFamilySchema } from '../../contract/metrics.ts'
import { prometheusText } from '../../contract/prometheus-text.ts'
import { collectMetrics, MAX_LABELLED, type MetricFacts } from './collect-metrics.ts'

const START = 1_700_000_000_000

function factsOf(more: Partial<MetricFacts> = {}): MetricFacts {
  const { node, links, members, services, forwards, socks, health } = createFakeNode().state
  return {
    status: { node, links, members, services, forwards, socks, health },
    incidents: ['critical', 'warning', 'warning'],
    loop: { state: 'healing', healing: ['inc-1'] },
    alerts: [{ settings: { name: 'ops' }, waiting: 2, lost: 1 }],
    ...{ certificateEnds: START + 86_400_000, startedAt: START },
    process: { residentBytes: 100_000_000, heapBytes: 30_000_000, cpuMicroseconds: 1_500_000 },
    ...more,
  }
}

const linesOf = (facts: MetricFacts): string[] => prometheusText(collectMetrics(facts)).split('\n')

describe('the figures of a node', () => {
  it('are counted in base units, by severity and by whether a member is reached', () => {
    const lines = linesOf(factsOf())
    for (const line of [
      'x0t_members{state="reachable"} 1',
      'x0t_members{state="unreachable"} 1',
      'x0t_link_up{peer="server"} 1',
      'x0t_link_round_trip_seconds{peer="server"} 0.0234',
      'x0t_link_loss_ratio{peer="server"} 0.002',
      'x0t_incidents_open{severity="critical"} 1',
      'x0t_incidents_open{severity="warning"} 2',
      'x0t_incidents_open{severity="info"} 0',
      'x0t_loop_state{state="healing"} 1',
      'x0t_loop_state{state="paused"} 0',
      'x0t_alerts_lost_total{channel="ops"} 1',
      '# TYPE x0t_alerts_lost_total counter',
      'x0t_certificate_expiry_timestamp_seconds 1700086400',
      'process_cpu_seconds_total 1.5',
      'process_start_time_seconds 1700000000',
    ]) {
      expect(lines).toContain(line)
    }
  })

  it('of links that nobody measured are not there', () => {
    const facts = factsOf()
    const links = facts.status.links.map((link) => ({ ...link, state: 'down' as const, rttMs: null }))
    const text = linesOf({ ...facts, status: { ...facts.status, links } }).join('\n')
    expect(text).toContain('x0t_link_up{peer="server"} 0')
    expect(text).not.toContain('x0t_link_round_trip_seconds')
  })

  it('never have more than 64 series of one name, and names as Prometheus wants them', () => {
    const facts = factsOf()
    const [link = expect.fail('no link')] = facts.status.links
    const links = Array.from({ length: 500 }, () => link)
    const families = collectMetrics({ ...facts, status: { ...facts.status, links } })
    for (const { samples, name, type } of families) {
      expect(samples.length).toBeLessThanOrEqual(MAX_LABELLED)
      expect(name.endsWith('_total')).toBe(type === 'counter')
    }
    expect(families.every((family) => metricFamilySchema.safeParse(family).success)).toBe(true)
    expect(new Set(families.map(({ name }) => name)).size).toBe(families.length)
  })
})

it('is written so that no label ends its line or its quotes', () => {
  const family: MetricFamily = {
    ...{ name: 'x', help: 'a\nb\\', type: 'gauge' },
    samples: [{ labels: { peer: 'a"b\\c\nd', other: '' }, value: Number.NaN }],
  }
  expect(prometheusText([family])).toBe(
    '# HELP x a\\nb\\\\\n# TYPE x gauge\nx{peer="a\\"b\\\\c\\nd",other=""} NaN\n',
  )
})
