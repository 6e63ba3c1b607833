const MINUTE_S = 60
const HOUR_S = 3_600
const DAY_S = 86_400

/** A duration in its two largest units: `23 ms`, `42 s`, `3 min 20 s`, `5 h 2 min`, `6 d 4 h`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`
  const seconds = Math.floor(ms / 1_000)
  if (seconds < MINUTE_S) return `${seconds} s`
  if (seconds < HOUR_S) return pair(seconds, MINUTE_S, 'min', 1, 's')
  if (seconds < DAY_S) return pair(seconds, HOUR_S, 'h', MINUTE_S, 'min')
  return pair(seconds, DAY_S, 'd', HOUR_S, 'h')
}

function pair(seconds: number, big: number, bigName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % big) / small)
  return `${Math.floor(seconds / big)} ${bigName}${rest === 0 ? '' : ` ${rest} ${smallName}`}`
}

/** A moment as people write it here: `2026-11-03 14:05:09 UTC`. */
export function formatMoment(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** A moment as seen from now: `in 23 h 59 min`, `2 min 3 s ago`. */
export function formatFromNow(atMs: number, nowMs: number): string {
  return atMs >= nowMs ? `in ${formatDuration(atMs - nowMs)}` : `${formatDuration(nowMs - atMs)} ago`
}
