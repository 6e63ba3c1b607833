/** Overwrites secret bytes in place. Best effort: the engine may have copied them before. */
export function wipe(...secrets: readonly (Uint8Array | undefined)[]): void {
  for (const secret of secrets) secret?.fill(0)
}
