/** Two honest clocks may differ by this much: what is signed further ahead is "not yet valid". */
export const MAX_CLOCK_SKEW_MS = 5 * 60_000
/** A certificate lives this long unless its issuer says otherwise. */
export const DEFAULT_CERTIFICATE_LIFE_MS = 7 * 24 * 3_600_000
/** No certificate lives longer, so that a mistake in a year cannot make one that never ends. */
export const MAX_CERTIFICATE_LIFE_MS = 366 * 24 * 3_600_000
