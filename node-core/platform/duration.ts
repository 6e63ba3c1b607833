export type DurationResult =
  | { readonly ok: true; readonly ms: number }
  /** `problem` is half a sentence that says what was expected, fit to follow the offending text. */
  | { readonly ok: false; readonly problem: string }

const UNIT_MS = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
} as const
type Unit = keyof typeof UNIT_MS

const MAX_TEXT_LENGTH = 40
const MAX_DURATION_MS = 100 * 365 * UNIT_MS.d
const EXPECTED = 'a duration such as 500ms, 30s, 10m, 24h, 7d or 1h30m'

const isUnit = (text: string): text is Unit => Object.hasOwn(UNIT_MS, text)

/**
 * Reads `500ms`, `30s`, `10m`, `24h`, `7d`, `2w` and sums such as `1h30m` (larger units first, each once).
 * A bare number is refused: nobody remembers which unit it would have. Never throws.
 */
export function parseDuration(raw: string): DurationResult {
  const text = raw.trim()
  if (text === '' || text.length > MAX_TEXT_LENGTH) return { ok: false, problem: `expected ${EXPECTED}` }
  if (/^\d+$/.test(text))
    return { ok: false, problem: `has no unit; did you mean ${text}s, ${text}m or ${text}h?` }
  if (!/^(?:\d+[a-z]+)+$/i.test(text)) return { ok: false, problem: `expected ${EXPECTED}` }
  let ms = 0
  let previousMs = Number.POSITIVE_INFINITY
  for (const [, digits = '', unit = ''] of text.matchAll(/(\d+)([a-z]+)/gi)) {
    if (!isUnit(unit)) {
      return {
        ok: false,
        problem: `has the unknown unit '${unit}'; units are ${Object.keys(UNIT_MS).join(', ')}`,
      }
    }
    if (UNIT_MS[unit] >= previousMs) {
      return { ok: false, problem: 'has its units out of order; write the largest first, each once' }
    }
    previousMs = UNIT_MS[unit]
    ms += Number(digits) * UNIT_MS[unit]
  }
  return ms <= MAX_DURATION_MS ? { ok: true, ms } : { ok: false, problem: 'is longer than 100 years' }
}
