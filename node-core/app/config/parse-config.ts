import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml'
import type { z } from 'zod'
import { messageOf } from '../../platform/error.ts'
import { type Config, configSchema, KNOWN_KEYS } from './schema.ts'
import { suggest } from './suggest.ts'

/** What is wrong in one place of the file. */
export interface ConfigProblem {
  readonly file: string
  /** From 1; absent for a problem of the whole file. */
  readonly line: number | undefined
  readonly column: number | undefined
  /** The setting, `log.level`; empty for the file itself. */
  readonly key: string
  /** What was expected, what was found and what may have been meant. Never holds more of the file than a short word. */
  readonly message: string
}

export type ConfigResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] }

const MAX_PROBLEMS = 20
/** The parser may report one for every character. */
const MAX_SYNTAX_ERRORS = 1_000
const MAX_QUOTED_LENGTH = 40

/** `x0t.yaml:3:9: log.level: expected trace, debug, ...`, the form that editors and terminals turn into a link. */
export function formatProblem({ file, line, column, key, message }: ConfigProblem): string {
  const place = line === undefined ? file : `${file}:${line}:${column ?? 1}`
  return key === '' ? `${place}: ${message}` : `${place}: ${key}: ${message}`
}

/** Reads the text of an `x0t.yaml`. Never throws. */
export function parseConfig(text: string, file: string): ConfigResult {
  const read = parseYamlText(text, file, { schema: configSchema, knownKeys: KNOWN_KEYS })
  return read.ok ? { ok: true, config: read.value } : read
}

/** The settings of each section by its path, `log` or `settings.log`; the empty one is the text itself. */
type KnownKeys = Readonly<Record<string, readonly string[]>>

export type YamlReading<T> =
  /** `raw` is what was written: nothing is converted, and no default is added. */
  | { readonly ok: true; readonly value: T; readonly raw: unknown }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] }

/** Reads YAML or JSON, which is YAML too, by a schema; what is wrong is told with its line. Never throws. */
export function parseYamlText<S extends z.ZodType>(
  text: string,
  file: string,
  { schema, knownKeys }: { readonly schema: S; readonly knownKeys: KnownKeys },
): YamlReading<z.infer<S>> {
  const counter = new LineCounter()
  const at = (offset: number | undefined, key: string, message: string): ConfigProblem => {
    const { line, col } = offset === undefined ? {} : counter.linePos(offset)
    return { file, line, column: col, key, message }
  }
  let document: Document.Parsed
  try {
    document = parseDocument(text, {
      lineCounter: counter,
      // Its messages would quote lines of the file into logs.
      prettyErrors: false,
      stringKeys: true,
      // A tag could make something else of a value than it looks like.
      resolveKnownTags: false,
      logLevel: 'error',
    })
  } catch (error) {
    // The parser is recursive: brackets by the thousand exhaust the stack.
    return failed([at(undefined, '', `cannot be read as YAML: ${messageOf(error)}`)])
  }
  const syntax = syntaxProblems(document, text, at)
  if (syntax.length > 0) return failed(syntax)
  const raw = withoutEmptySections(document.toJS() ?? {})
  const result = schema.safeParse(raw)
  if (result.success) return { ok: true, value: result.data, raw }
  return failed(result.error.issues.flatMap((issue) => explain(issue, { document, knownKeys, at })))
}

type At = (offset: number | undefined, key: string, message: string) => ConfigProblem

const failed = (
  problems: readonly ConfigProblem[],
): { readonly ok: false; readonly problems: readonly ConfigProblem[] } => ({
  ok: false,
  problems: problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)).slice(0, MAX_PROBLEMS),
})

function syntaxProblems(document: Document.Parsed, text: string, at: At): ConfigProblem[] {
  const problems = [...document.errors, ...document.warnings].slice(0, MAX_SYNTAX_ERRORS).map((error) => {
    const key = error.code === 'DUPLICATE_KEY' ? (/^[\w-]+/.exec(text.slice(error.pos[0]))?.[0] ?? '') : ''
    return at(error.pos[0], key, syntaxText(error))
  })
  // A few aliases of aliases expand to gigabytes; nothing in this file is long enough to need one.
  visit(document, {
    Node(_key, node) {
      if (isAlias(node)) problems.push(at(node.range?.[0], '', 'aliases (*name) are not used in this file'))
      else if (node.anchor !== undefined) {
        problems.push(at(node.range?.[0], '', 'anchors (&name) are not used in this file'))
      }
    },
  })
  // One slip makes the parser stumble over the rest of its line.
  return [...new Map(problems.toReversed().map((problem) => [problem.line, problem])).values()]
}

function syntaxText(error: YAMLError): string {
  if (error.code === 'DUPLICATE_KEY') return 'is there twice; keep one of them'
  if (error.code === 'MULTIPLE_DOCS') return 'this file holds one document; remove this line'
  if (/call stack/.test(error.message)) return 'is nested too deeply'
  return error.message
}

/** `log:` with all its lines commented out means what it looks like: nothing is set. */
function withoutEmptySections(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== null))
}

interface Text {
  readonly document: Document.Parsed
  readonly knownKeys: KnownKeys
  readonly at: At
}

function explain(issue: z.core.$ZodIssue, { document, knownKeys, at }: Text): ConfigProblem[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))
  if (issue.code === 'unrecognized_keys') {
    return issue.keys
      .slice(0, MAX_PROBLEMS)
      .map((key) =>
        at(keyOffset(document, path, key), dotted([...path, key]), unknownKey(path, key, knownKeys)),
      )
  }
  const node = path.length === 0 ? document.contents : document.getIn(path, true)
  const found = isNode(node) ? foundText(node) : ''
  return [at(offsetOf(document, path), dotted(path), `${issue.message}${found}${hintFor(issue, node)}`)]
}

function dotted(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? part : `${text}.${part}`
  }, '')
}

function unknownKey(path: readonly (string | number)[], key: string, knownKeys: KnownKeys): string {
  const parent = path.filter((part) => typeof part === 'string').join('.')
  const known = knownKeys[parent] ?? []
  const near = suggest(key, known)
  if (near !== undefined) return `there is no such setting; did you mean '${near}'?`
  const elsewhere = Object.entries(knownKeys).find(
    ([name, keys]) => name !== parent && keys.includes(key),
  )?.[0]
  if (elsewhere !== undefined) {
    return `there is no such setting here; did you mean '${elsewhere === '' ? key : `${elsewhere}.${key}`}'?`
  }
  if (/pass|secret|token|private/i.test(key))
    return 'there is no such setting; secrets never go into this file'
  return `there is no such setting; known here: ${known.join(', ')}`
}

/** Where a path stands: at its value, or, where there is none, at the nearest thing around it. */
function offsetOf(document: Document.Parsed, path: readonly (string | number)[]): number | undefined {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return undefined
}

function keyOffset(
  document: Document.Parsed,
  path: readonly (string | number)[],
  key: string,
): number | undefined {
  const parent = path.length === 0 ? document.contents : document.getIn(path, true)
  if (!isMap(parent)) return offsetOf(document, path)
  const pair = parent.items.find((item) => isPair(item) && isNode(item.key) && String(item.key) === key)
  return pair !== undefined && isNode(pair.key) ? pair.key.range?.[0] : offsetOf(document, path)
}

/** `, found 'inof'`. A long text is not quoted: it may be a token or a key in the wrong place, and messages are logged. */
function foundText(node: Node): string {
  if (isCollection(node)) return isMap(node) ? ', found a section' : ', found a list'
  const value: unknown = node.toJSON()
  if (value === null) return ', found nothing'
  const text = typeof value === 'string' ? `'${value}'` : String(value)
  return text.length > MAX_QUOTED_LENGTH || text.startsWith("'x0t1") ? '' : `, found ${text}`
}

function hintFor(issue: z.core.$ZodIssue, node: unknown): string {
  if (issue.code !== 'invalid_value' || !isNode(node)) return ''
  const value: unknown = node.toJSON()
  if (typeof value !== 'string') return ''
  const near = suggest(value, issue.values.map(String))
  return near === undefined ? '' : `; did you mean '${near}'?`
}
