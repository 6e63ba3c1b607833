/** A setting of `x0t.yaml` that people change now and then, and where its value in force stands. */
export interface CommonSetting {
  readonly section: 'knowledge' | 'heal' | 'slo' | 'console'
  readonly key: string
  /** Its name in the settings as they are in force: durations are in milliseconds there. */
  readonly effective: string
  readonly kind: 'duration' | 'megabytes' | 'percent'
  /** The message that names it. */
  readonly label: `setting.${string}`
}

export const COMMON_SETTINGS = [
  { section: 'knowledge', key: 'raw', effective: 'rawMs', kind: 'duration', label: 'setting.knowledge.raw' },
  {
    section: 'knowledge',
    key: 'minutes',
    effective: 'minuteMs',
    kind: 'duration',
    label: 'setting.knowledge.minutes',
  },
  {
    section: 'knowledge',
    key: 'hours',
    effective: 'hourMs',
    kind: 'duration',
    label: 'setting.knowledge.hours',
  },
  {
    section: 'knowledge',
    key: 'maxSizeMb',
    effective: 'maxSizeMb',
    kind: 'megabytes',
    label: 'setting.knowledge.maxSizeMb',
  },
  {
    section: 'heal',
    key: 'approval',
    effective: 'approvalMs',
    kind: 'duration',
    label: 'setting.heal.approval',
  },
  {
    section: 'slo',
    key: 'availability',
    effective: 'availability',
    kind: 'percent',
    label: 'setting.slo.availability',
  },
  { section: 'slo', key: 'mttr', effective: 'mttrMs', kind: 'duration', label: 'setting.slo.mttr' },
  { section: 'console', key: 'idle', effective: 'idleMs', kind: 'duration', label: 'setting.console.idle' },
  {
    section: 'console',
    key: 'lifetime',
    effective: 'lifetimeMs',
    kind: 'duration',
    label: 'setting.console.lifetime',
  },
] as const satisfies readonly CommonSetting[]

type Section = Readonly<Record<string, unknown>>

const sectionIn = (of: Section, name: string): Section => {
  const found = of[name]
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? { ...found } : {}
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const

/** As it is written in the file: `30d`, `15m`, `500ms`. */
export function durationText(ms: number): string {
  const unit = UNITS.find(([, size]) => ms >= size && ms % size === 0)
  return unit === undefined ? `${ms}ms` : `${ms / unit[1]}${unit[0]}`
}

/** What is in force, in the form of the file. */
export function writtenValue(effective: Section, { section, effective: name, kind }: CommonSetting): string {
  const value = sectionIn(effective, section)[name]
  if (typeof value !== 'number') return ''
  if (kind === 'duration') return durationText(value)
  // In force it is a share.
  return String(kind === 'percent' ? Math.round(value * 100_000) / 1_000 : value)
}

/** A document to import that changes nothing but these: what nobody touched stays as it is written, or unwritten. */
export function changedDocument(
  document: Section,
  changes: ReadonlyMap<CommonSetting, string>,
): Readonly<Record<string, unknown>> {
  const settings: Record<string, unknown> = { ...sectionIn(document, 'settings') }
  for (const [{ section, key, kind }, text] of changes) {
    const value = kind === 'duration' || !Number.isFinite(Number(text)) ? text : Number(text)
    settings[section] = { ...sectionIn(settings, section), [key]: value }
  }
  return { schema: document['schema'] ?? 2, settings }
}
