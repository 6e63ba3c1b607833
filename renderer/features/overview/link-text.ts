const UNKNOWN = 'unknown'

/** `0.42 ms`, `12.3 ms`, `240 ms`. */
export function roundTripText(rttMs: number | null): string {
  if (rttMs === null) return UNKNOWN
  if (rttMs < 1) return `${rttMs.toFixed(2)} ms`
  return `${rttMs < 100 ? rttMs.toFixed(1) : Math.round(rttMs)} ms`
}

/** A share from 0 to 1 as per cent: `0 %`, `0.4 %`, `12 %`. */
export function lossText(loss: number | null): string {
  if (loss === null) return UNKNOWN
  const percent = loss * 100
  if (percent === 0) return '0 %'
  return percent < 0.1 ? 'under 0.1 %' : `${percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`
}

/** `12 s`, `3 min`, `2 h`, `5 d`. */
export function durationText(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  return seconds < 48 * 3600 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`
}

const CIPHERS = new Map([
  ['aesgcm', 'AES-256-GCM'],
  ['chachapoly', 'ChaCha20-Poly1305'],
])
const MESH_SUITE = /^\/x0t\/noise-hfs\/1\/([a-z]+)$/

/** A suite's protocol id in words; one that this console does not know is shown as it is. */
export function suiteText(suite: string | null): string {
  if (suite === null) return UNKNOWN
  const cipher = CIPHERS.get(MESH_SUITE.exec(suite)?.[1] ?? '')
  return cipher === undefined ? suite : `X25519 + ML-KEM-768, ${cipher}`
}
