import { isDeepStrictEqual } from 'node:util'
import type { ConfigChange } from '../../contract/config-schemas.ts'
import type { ConfigDocument } from './document.ts'

type Json = ConfigChange['before']

/** What takes effect while the node runs. */
const LIVE = /^(?:services|forwards|socks)\.|^settings\.log\./

/**
 * What differs, setting by setting and entry by entry. A section that `after` does not have is not compared: a document
 * without it says nothing of it.
 */
export function diffDocuments(before: ConfigDocument, after: ConfigDocument): ConfigChange[] {
  const left = leaves(before)
  const right = leaves(after)
  const compared = (path: string): boolean => {
    const section = path.split('.', 1)[0] ?? ''
    return section in after && Reflect.get(after, section) !== undefined
  }
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((path) => compared(path) && !isDeepStrictEqual(left.get(path), right.get(path)))
    .sort()
    .map((path) => ({
      path,
      before: left.get(path) ?? null,
      after: right.get(path) ?? null,
      restart: !LIVE.test(path),
    }))
}

/** Every value by its path: `settings.log.level`, `services.web`, `forwards.8080`. */
function leaves({ settings, services, forwards, socks }: ConfigDocument): Map<string, Json> {
  const found = new Map<string, Json>()
  for (const [name, value] of Object.entries(settings ?? {})) {
    if (isSection(value)) {
      for (const [key, inner] of Object.entries(value)) found.set(`settings.${name}.${key}`, toJson(inner))
    } else if (name !== 'version') found.set(`settings.${name}`, toJson(value))
  }
  for (const { name, ...service } of services ?? []) found.set(`services.${name}`, toJson(service))
  for (const { port, ...forward } of forwards ?? []) found.set(`forwards.${port}`, toJson(forward))
  for (const port of socks ?? []) found.set(`socks.${port}`, true)
  return found
}

const isSection = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** It was read from JSON or YAML, so this only drops what is undefined. */
function toJson(value: unknown): Json {
  const copy: Json = JSON.parse(JSON.stringify(value ?? null))
  return copy
}
