import { MAX_AUDIT_TEXT } from '../../security/audit-entry.ts'
import { sha256Hex } from '../../security/codec.ts'

/** What is a secret, by its name: whoever adds another to an input names it here. */
const SECRET = /^(?:token|secret|passphrase|password|key)$|(?:Token|Secret|Passphrase|Password)$/
/** Whole documents: their versions are kept elsewhere, and the text of a configuration may hold secrets. */
const DOCUMENT = /^(?:text|document|fileText)$/
const LONG = 1_000
const START = 2_000

/** A value as the JSON of an entry: without secrets, with a hash in place of documents, and of bounded length. */
export function auditText(value: unknown): string | null {
  if (value === undefined || value === null) return null
  const text = JSON.stringify(value, (key, part: unknown) => {
    if (part === null || part === undefined) return part
    if (SECRET.test(key)) return '[hidden]'
    if (typeof part === 'string' && (part.length > LONG || (DOCUMENT.test(key) && part !== ''))) {
      return `[${part.length} characters, sha256 ${sha256Hex(Buffer.from(part, 'utf8'))}]`
    }
    return part
  })
  if (text === undefined) return null
  return text.length <= MAX_AUDIT_TEXT ? text : JSON.stringify({ shortened: text.slice(0, START) })
}
