import { inspect } from 'node:util'

/**
 * Hides the named properties of an object that holds secrets from everything that walks objects: `JSON.stringify`,
 * `util.inspect`, a logger, a spread, a structured clone. They can still be read by name.
 */
export function hideSecrets<T extends object>(label: string, holder: T, names: readonly (keyof T)[]): T {
  for (const name of names) {
    Object.defineProperty(holder, name, {
      value: holder[name],
      enumerable: false,
      writable: false,
      configurable: false,
    })
  }
  const redacted = (): string => `[${label}]`
  Object.defineProperty(holder, inspect.custom, { value: redacted, enumerable: false })
  Object.defineProperty(holder, 'toJSON', { value: redacted, enumerable: false })
  return holder
}
