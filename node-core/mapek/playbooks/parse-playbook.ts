import { LineCounter, parseDocument } from 'yaml'
import { messageOf } from '../../platform/error.ts'
import { type Playbook, playbookSchema } from './playbook-schema.ts'

/** `FILE:LINE:COLUMN: what is wrong`, the form that editors and terminals turn into a link. */
export type PlaybookResult =
  | { readonly ok: true; readonly playbook: Playbook }
  | { readonly ok: false; readonly problems: readonly string[] }

export const MAX_PLAYBOOK_BYTES = 64 * 1024
const MAX_PROBLEMS = 10

/** Reads the text of one playbook. Never throws, and never runs anything that stands in it. */
export function parsePlaybook(text: string, file: string): PlaybookResult {
  if (Buffer.byteLength(text) > MAX_PLAYBOOK_BYTES)
    return { ok: false, problems: [`${file}: has more than ${MAX_PLAYBOOK_BYTES} bytes`] }
  const counter = new LineCounter()
  const at = (offset: number | undefined, message: string): string => {
    if (offset === undefined) return `${file}: ${message}`
    const { line, col } = counter.linePos(offset)
    return `${file}:${line}:${col}: ${message}`
  }
  try {
    const document = parseDocument(text, {
      lineCounter: counter,
      prettyErrors: false,
      stringKeys: true,
      resolveKnownTags: false,
      logLevel: 'error',
    })
    const broken = [...document.errors, ...document.warnings]
    if (broken.length > 0) {
      return {
        ok: false,
        problems: broken.slice(0, MAX_PROBLEMS).map(({ pos, message }) => at(pos[0], message)),
      }
    }
    // The default bound on aliases stops a bomb of references.
    const result = playbookSchema.safeParse(document.toJS() ?? {})
    if (result.success) return { ok: true, playbook: result.data }
    const problems = result.error.issues.slice(0, MAX_PROBLEMS).map((issue) => {
      const { path, message } = issue
      const key = path.join('.')
      // What should not be there stands below where it should not.
      const place = issue.code === 'unrecognized_keys' ? [...path, ...issue.keys.slice(0, 1)] : path
      return at(offsetOf(document, place), key === '' ? message : `${key}: ${message}`)
    })
    return { ok: false, problems }
  } catch (error) {
    return { ok: false, problems: [at(undefined, `cannot be read as YAML: ${messageOf(error)}`)] }
  }
}

/** Where the nearest place stands that the file has: a key that is missing is shown at what it is missing from. */
function offsetOf(
  document: ReturnType<typeof parseDocument>,
  path: readonly PropertyKey[],
): number | undefined {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) {
      const [start] = node.range
      if (typeof start === 'number') return start
    }
  }
  return undefined
}
