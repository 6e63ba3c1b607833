import type { HealthItem } from '../contract/schemas.ts'
import { byCodeUnits } from '../domain/text-order.ts'

/**
 * The conditions that hold now and that people should know of, by their stable code. Whoever sees a condition begin
 * raises it and clears it when it ends; what can be read at any time is asked for through a source instead.
 */
export interface HealthBoard {
  raise(item: HealthItem): void
  clear(code: string): void
  /** Adds something to ask at each reading. */
  addSource(source: () => readonly HealthItem[]): void
  /** The worst first. */
  items(): readonly HealthItem[]
}

const ORDER = ['critical', 'warning', 'info'] as const

export function createHealthBoard(): HealthBoard {
  const raised = new Map<string, HealthItem>()
  const sources: (() => readonly HealthItem[])[] = []
  return {
    raise: (item) => void raised.set(item.code, item),
    clear: (code) => void raised.delete(code),
    addSource: (source) => void sources.push(source),
    items: () =>
      [...raised.values(), ...sources.flatMap((source) => source())].sort(
        (a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity) || byCodeUnits(a.code, b.code),
      ),
  }
}
