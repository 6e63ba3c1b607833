import { isDeepStrictEqual } from 'node:util'
import { parseDocument, stringify } from 'yaml'

type Settings = Readonly<Record<string, unknown>>

/**
 * The text of an `x0t.yaml` with other settings. Lines that stay, and the comments between them, are left as somebody
 * wrote them; where that cannot be done, the text is written anew.
 */
export function editSettings(text: string, before: Settings, after: Settings): string {
  if (isDeepStrictEqual(before, after)) return text
  const document = parseDocument(text, { stringKeys: true, resolveKnownTags: false, logLevel: 'silent' })
  if (document.errors.length === 0) {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const [old, next] = [before[name], after[name]]
      if (isDeepStrictEqual(old, next)) continue
      if (isSection(old) && isSection(next)) {
        for (const key of new Set([...Object.keys(old), ...Object.keys(next)])) {
          if (isDeepStrictEqual(old[key], next[key])) continue
          if (next[key] === undefined) document.deleteIn([name, key])
          else document.setIn([name, key], next[key])
        }
      } else if (next === undefined) document.delete(name)
      else document.set(name, document.createNode(next))
    }
    const edited = document.toString({ lineWidth: 0 })
    if (isDeepStrictEqual(settingsIn(edited), withoutNulls(after))) return edited
  }
  return Object.keys(after).length === 0 ? '' : stringify(after, { lineWidth: 0 })
}

function settingsIn(text: string): unknown {
  return withoutNulls(parseDocument(text, { stringKeys: true, logLevel: 'silent' }).toJS() ?? {})
}

const withoutNulls = (value: unknown): unknown =>
  isSection(value) ? Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== null)) : value

const isSection = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
