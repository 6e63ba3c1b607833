/** Something that names a person, a machine or a mesh. */
export interface Identifier {
  /** What stands in its place: `node` becomes `node-1`, `node-2`. */
  readonly kind: string
  readonly value: string
}

/** Puts the same made-up name for the same real one into everything that is given to it. */
export interface Anonymiser {
  text(raw: string): string
  /** Of a JSON document: its texts; the names of its fields stay. */
  json(value: unknown): unknown
}

/** Fields whose texts say who, where or what somebody wrote, whatever stands in them. */
const HIDDEN_FIELDS: ReadonlySet<string> = new Set(
  [
    'owner acknowledgedBy by actor labels notes note remark comment paused',
    'secretFile caFile url host hosts user to from chat command run args target',
  ].flatMap((line) => line.split(' ')),
)

/** Found in any text. The first that matches has it. */
const PATTERNS: readonly { readonly kind: string; readonly pattern: RegExp }[] = [
  { kind: 'token', pattern: /\bx0t1[a-z0-9]{8,}/g },
  { kind: 'peer', pattern: /\b12D3KooW[1-9A-HJ-NP-Za-km-z]{30,}\b/g },
  { kind: 'hex', pattern: /\b[0-9a-f]{64}\b/g },
  { kind: 'mail', pattern: /\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b/g },
  { kind: 'address', pattern: /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])/g },
  // Two colons at least that are no time of day: a group of hex digits on one side of `::`, or four groups.
  {
    kind: 'address',
    pattern:
      /(?<![\w:])(?:(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*)?::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*))(?![\w:])/gi,
  },
  { kind: 'host', pattern: /(?<=\b(?:ENOTFOUND|EAI_AGAIN|https?:\/\/|\/dns[46]?\/) ?)[\w.-]+/g },
  { kind: 'host', pattern: /\b(?:[a-z0-9-]+\.){2,}[a-z]{2,}\b/gi },
]

/** Says nothing about anybody, and a report without them is hard to read. */
const HARMLESS: ReadonlySet<string> = new Set(['127.0.0.1', '0.0.0.0', '::1', '::', 'localhost', 'root', '/'])

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')

export function createAnonymiser(known: readonly Identifier[]): Anonymiser {
  const names = new Map<string, string>()
  const counts = new Map<string, number>()
  const nameFor = (kind: string, value: string): string => {
    const found = names.get(value)
    if (found !== undefined) return found
    const count = (counts.get(kind) ?? 0) + 1
    counts.set(kind, count)
    const name = `${kind}-${count}`
    names.set(value, name)
    return name
  }
  // The longest first: a path before the user's name in it.
  const words = known
    .filter(({ value }) => value !== '' && !HARMLESS.has(value))
    .toSorted((a, b) => b.value.length - a.value.length)
  const kinds = new Map(words.map(({ kind, value }) => [value.toLowerCase(), kind]))
  const word =
    words.length === 0
      ? undefined
      : new RegExp(
          `(?<![\\p{L}\\p{N}_])(?:${words.map(({ value }) => escaped(value)).join('|')})(?![\\p{L}\\p{N}_])`,
          'giu',
        )

  function text(raw: string): string {
    const hidden = PATTERNS.reduce(
      (done, { kind, pattern }) =>
        done.replace(pattern, (found) => (HARMLESS.has(found) ? found : nameFor(kind, found))),
      word === undefined
        ? raw
        : raw.replace(word, (found) => {
            const value = found.toLowerCase()
            return nameFor(kinds.get(value) ?? 'name', value)
          }),
    )
    return hidden
  }

  function json(value: unknown): unknown {
    if (typeof value === 'string') return text(value)
    if (Array.isArray(value)) return value.map(json)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([field, inner]) => [
        text(field),
        HIDDEN_FIELDS.has(field) ? hide(field, inner) : json(inner),
      ]),
    )
  }

  /** Nothing of it, only whether it is the same as elsewhere. A figure says nobody's name, but for the id of a chat. */
  function hide(field: string, value: unknown): unknown {
    if (value === null || value === undefined || value === '' || typeof value === 'boolean') return value
    if (typeof value === 'number' && field !== 'chat') return value
    if (typeof value === 'string' && HARMLESS.has(value)) return value
    if (Array.isArray(value)) return value.map((inner) => hide(field, inner))
    return nameFor(field, typeof value === 'string' ? value : JSON.stringify(value))
  }

  return { text, json }
}
