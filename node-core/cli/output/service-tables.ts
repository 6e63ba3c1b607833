import type { Forward, Service, Socks } from '../../contract/schemas.ts'
import type { Paint } from './style.ts'
import { type Cell, renderTable } from './table.ts'

const SERVICE_TONES = { healthy: 'green', unhealthy: 'red', unknown: 'yellow' } as const
const PORT_TONES = { listening: 'green', failed: 'red' } as const

export function renderServices(paint: Paint, services: readonly Service[]): string {
  const rows = services.map((service): Cell[] => [
    service.name,
    service.local ? `${service.node} (here)` : service.node,
    { text: service.state, tone: SERVICE_TONES[service.state] },
    service.target ?? '-',
    service.check ?? '-',
    service.detail ?? '',
  ])
  return renderTable(paint, ['SERVICE', 'NODE', 'STATE', 'TARGET', 'CHECK', 'DETAIL'], rows)
}

export function renderForwards(paint: Paint, forwards: readonly Forward[]): string {
  const rows = forwards.map((forward): Cell[] => [
    `${forward.host}:${forward.port}`,
    forward.service,
    forward.node ?? 'any provider',
    { text: forward.state, tone: PORT_TONES[forward.state] },
    String(forward.flows),
    forward.detail ?? '',
  ])
  return renderTable(paint, ['LOCAL', 'SERVICE', 'NODE', 'STATE', 'FLOWS', 'DETAIL'], rows)
}

export function renderSocks(paint: Paint, ports: readonly Socks[]): string {
  const rows = ports.map((socks): Cell[] => [
    `${socks.host}:${socks.port}`,
    { text: socks.state, tone: PORT_TONES[socks.state] },
    String(socks.flows),
    socks.detail ?? '',
  ])
  return renderTable(paint, ['SOCKS5', 'STATE', 'FLOWS', 'DETAIL'], rows)
}
