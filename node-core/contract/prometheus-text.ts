import type { MetricFamily } from './metrics.ts'

export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const helpText = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
const labelText = (text: string): string => helpText(text).replaceAll('"', '\\"')

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${labelText(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

/** The text format that Prometheus reads, version 0.0.4. Source: prometheus.io, "Exposition formats". */
export function prometheusText(families: readonly MetricFamily[]): string {
  const lines = families.flatMap(({ name, help, type, samples }) => [
    `# HELP ${name} ${helpText(help)}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(({ labels, value }) => `${name}${labelsText(labels)} ${value}`),
  ])
  return `${lines.join('\n')}\n`
}
