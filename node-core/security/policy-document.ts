import { LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import type { Policy } from './policy.ts'
import { policySchema } from './policy-schema.ts'

export const MAX_POLICY_BYTES = 32 * 1024

/** Written by `init` into every new mesh, for an operator to read and to change. */
export const STARTING_POLICY = `# The policy of this mesh. Whatever no rule allows is denied, and a rule that denies wins.
#
# who       members | { roles: [...], labels: [...], nodes: [...] }   (all that is given must match; all the labels)
# at        the same, for the node that is used or that carries; every member if absent
# services  all | [name, ...]
# roles     owner, admin, operator, viewer, none
#
# groups    NAME: { roles, labels, nodes }, used as { groups: [NAME] }
# tests     - { allow: use, who: NODE, at: NODE, service: NAME }: cases that the rules must decide so, or nothing is written
# flags     NAME: { everywhere: VALUE, labels: { LABEL: VALUE } }: see x0t flags
version: 1
rules:
  - id: members-use-every-service
    allow: [use]
    who: members
    services: all
  - id: members-provide-every-service
    allow: [provide]
    who: members
    services: all
  # Only nodes whose certificate permits transit carry anything; this rule lets them carry it for every member.
  - id: members-carry-for-each-other
    allow: [transit]
    who: members
  # From another node. Each operation asks for a role besides; whoever sits at a node is always its owner.
  - id: roles-administer-nodes
    allow: [administer]
    who: { roles: [owner, admin, operator] }
  - id: members-help-each-other-to-heal
    allow: [heal]
    who: members
`

export interface PolicyProblem {
  /** From 1; 0 when it concerns the whole document. */
  readonly line: number
  readonly message: string
}

export type PolicyReading =
  | {
      readonly ok: true
      readonly policy: Policy
      /** The line on which what stands at a path begins; 0 where there is none. */
      readonly lineOf: (path: readonly PropertyKey[]) => number
    }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] }

const MAX_PROBLEMS = 20

const failed = (problems: readonly PolicyProblem[]): PolicyReading => ({
  ok: false,
  problems: problems.slice(0, MAX_PROBLEMS),
})

/** Reads a policy document in YAML. Unknown keys are errors, anchors and aliases are refused. Never throws. */
export function parsePolicy(text: string): PolicyReading {
  if (Buffer.byteLength(text) > MAX_POLICY_BYTES) {
    return failed([{ line: 0, message: `the document is larger than ${MAX_POLICY_BYTES} bytes` }])
  }
  try {
    return readYaml(text)
  } catch {
    // The YAML parser recurses: nesting that exhausts its stack is a bad document like any other.
    return failed([{ line: 0, message: 'the document cannot be read as YAML' }])
  }
}

function readYaml(text: string): PolicyReading {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true, version: '1.2' })
  const broken = [...document.errors, ...document.warnings]
  if (broken.length > 0) {
    return failed(
      broken.map((error) => ({ line: lines.linePos(error.pos[0]).line, message: firstLine(error.message) })),
    )
  }
  const parsed = policySchema.safeParse(document.toJS({ maxAliasCount: 0 }))
  if (parsed.success) return { ok: true, policy: parsed.data, lineOf }
  return failed(
    parsed.error.issues.flatMap(pointed).map(({ path, message }) => ({
      line: lineOf(path),
      message: path.length === 0 ? message : `${path.join('.')}: ${message}`,
    })),
  )

  /** The line of the deepest part of the path that exists. */
  function lineOf(path: readonly PropertyKey[]): number {
    for (let depth = path.length; depth > 0; depth--) {
      const offset = rangeStart(document.getIn(path.slice(0, depth), true))
      if (offset !== undefined) return lines.linePos(offset).line
    }
    return 0
  }
}

interface Pointed {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** The issues that a person can act on: each unknown key by itself, and of a union the member that was meant. */
function pointed(issue: z.core.$ZodIssue): readonly Pointed[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: 'unknown key' }))
  }
  if (issue.code !== 'invalid_union') return [issue]
  // A member that fails on the value itself was not meant; one that fails inside it was.
  const meant = issue.errors.find((issues) =>
    issues.every(
      (inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys' || inner.code === 'custom',
    ),
  )
  return (
    meant ?? [{ ...issue, code: 'custom', path: [], message: 'not in the expected form' } as const]
  ).flatMap((inner) => pointed({ ...inner, path: [...issue.path, ...inner.path] }))
}

function rangeStart(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range))
    return undefined
  const start: unknown = node.range[0]
  return typeof start === 'number' ? start : undefined
}

const firstLine = (message: string): string => message.split('\n', 1)[0] ?? message
