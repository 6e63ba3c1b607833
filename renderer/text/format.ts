import { useMemo } from 'react'
import { type Language, type Translate, useLanguage, useText } from './text.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** How figures are written for people. `null` is what nobody knows. */
export interface Format {
  readonly milliseconds: (value: number | null) => string
  /** A share from 0 to 1. */
  readonly share: (value: number | null) => string
  /** The same to a thousandth of a per cent: for what is promised. */
  readonly exactShare: (value: number | null) => string
  readonly duration: (ms: number) => string
  readonly ago: (ms: number) => string
  readonly until: (ms: number) => string
  readonly bytes: (value: number | null) => string
  readonly bytesPerSecond: (value: number | null) => string
  readonly number: (value: number | null) => string
  readonly dateTime: (at: number) => string
  readonly time: (at: number) => string
  readonly suite: (protocol: string | null) => string
}

const CIPHERS = new Map([
  ['aesgcm', 'AES-256-GCM'],
  ['chachapoly', 'ChaCha20-Poly1305'],
])
const MESH_SUITE = /^\/x0t\/noise-hfs\/1\/([a-z]+)$/

/** The suite of the mesh that a protocol id names, in words; `undefined` for one that is none of ours. */
export function hybridSuite(protocol: string): string | undefined {
  const cipher = CIPHERS.get(MESH_SUITE.exec(protocol)?.[1] ?? '')
  return cipher === undefined ? undefined : `X25519 + ML-KEM-768 · ${cipher}`
}

function createFormat(t: Translate, language: Language): Format {
  const fixed = (value: number, digits: number): string =>
    new Intl.NumberFormat(language, {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }).format(value)
  const unknown = t('unknown')
  const known =
    <T>(write: (value: T) => string) =>
    (value: T | null) =>
      value === null ? unknown : write(value)

  const duration = (ms: number): string => {
    if (ms < MINUTE) return t('time.seconds', { n: Math.max(0, Math.floor(ms / SECOND)) })
    if (ms < HOUR) return t('time.minutes', { n: Math.floor(ms / MINUTE) })
    return ms < 2 * DAY
      ? t('time.hours', { n: Math.floor(ms / HOUR) })
      : t('time.days', { n: Math.floor(ms / DAY) })
  }
  const bytes = (value: number): string => {
    const units = [t('unit.b'), t('unit.kib'), t('unit.mib'), t('unit.gib')]
    let size = value
    let index = 0
    while (size >= 1024 && index < units.length - 1) {
      size /= 1024
      index += 1
    }
    return `${fixed(size, index === 0 || size >= 100 ? 0 : 1)} ${units[index] ?? ''}`
  }
  return {
    milliseconds: known((value) => t('time.ms', { text: fixed(value, value < 1 ? 2 : value < 100 ? 1 : 0) })),
    share: known((value) => {
      const percent = value * 100
      if (percent > 0 && percent < 0.1) return t('share.tiny')
      return t('share', { text: fixed(percent, percent > 0 && percent < 10 ? 1 : 0) })
    }),
    exactShare: known((value) => t('share', { text: fixed(value * 100, 3) })),
    duration,
    ago: (ms) => (ms < 2 * SECOND ? t('time.now') : t('time.ago', { duration: duration(ms) })),
    until: (ms) => (ms <= 0 ? t('time.over') : t('time.in', { duration: duration(ms) })),
    bytes: known(bytes),
    bytesPerSecond: known((value) => t('unit.perSecond', { amount: bytes(value) })),
    number: known((value) => new Intl.NumberFormat(language, { maximumFractionDigits: 2 }).format(value)),
    dateTime: (at) =>
      new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }).format(at),
    time: (at) => new Intl.DateTimeFormat(language, { timeStyle: 'medium' }).format(at),
    suite: known((protocol) => hybridSuite(protocol) ?? protocol),
  }
}

export function useFormat(): Format {
  const t = useText()
  const language = useLanguage()
  return useMemo(() => createFormat(t, language), [t, language])
}
