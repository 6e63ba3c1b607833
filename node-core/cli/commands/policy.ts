import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { MAX_POLICY_TEXT, POLICY_ACTION_NAMES, policyActionSchema } from '../../contract/policy-schemas.ts'
import { nodeRefSchema, serviceNameSchema } from '../../contract/schemas.ts'
import { messageOf } from '../../platform/error.ts'
import { defineCommand, flag, noInput, wholeNumberText } from '../command.ts'
import { confirm } from '../confirm.ts'
import { CALL_MS, type CliContext } from '../context.ts'
import { cliFault, EXIT, usageFault } from '../fault.ts'
import { renderCan, renderFlags, renderHistory, renderReview } from '../output/policy-view.ts'

const FILE = { flags: '<file>', help: 'a policy document in YAML (- for stdin)' }
const YES = { flags: '-y, --yes', help: 'do not ask' }
const DRY_RUN = { flags: '--dry-run', help: 'only show what would change' }
const VERSION = { flags: '[number]', help: 'an older version; without it, the one that counts' }
const number = wholeNumberText(1, 999_999_999)
const client = (context: CliContext) => context.connect(context.timeoutMs ?? CALL_MS)

async function readDocument({ terminal }: CliContext, file: string): Promise<string> {
  try {
    if (file !== '-') return await readFile(file, 'utf8')
    let text = ''
    terminal.input.setEncoding('utf8')
    for await (const chunk of terminal.input) {
      text += String(chunk)
      if (text.length > MAX_POLICY_TEXT) throw new RangeError(`it has more than ${MAX_POLICY_TEXT} bytes`)
    }
    return text
  } catch (error) {
    throw cliFault({ code: 'FILE_UNREADABLE' }, `${file} cannot be read: ${messageOf(error)}`, {
      hint: 'Give a file that holds the whole policy. x0t policy show prints the present one.',
    })
  }
}

const showCommand = defineCommand({
  name: 'policy show',
  summary: 'print the policy of the mesh, as it was written',
  arguments: [VERSION],
  examples: ['x0t policy show > policy.yaml', 'x0t policy show 3'],
  input: z.object({ number: number.optional() }),
  async run(context, input) {
    const result = await client(context).policy.show({ number: input.number ?? null })
    context.output.data(
      result,
      () => result.policy?.document.trimEnd() ?? 'No policy has come yet: everything is denied.',
    )
    return EXIT.done
  },
})

const testCommand = defineCommand({
  name: 'policy test',
  summary: 'check a document and run its cases; exit code 1 when something is wrong',
  arguments: [FILE],
  examples: ['x0t policy test policy.yaml'],
  input: z.object({ file: z.string().min(1) }),
  async run(context, { file }) {
    const { changes: _changes, ...review } = await client(context).policy.review({
      document: await readDocument(context, file),
    })
    context.output.data(review, () => renderReview(context.output.paint, { ...review, changes: [] }, 'tests'))
    return review.ok ? EXIT.done : EXIT.failed
  },
})

const diffCommand = defineCommand({
  name: 'policy diff',
  summary: 'say who would gain and who would lose which access',
  arguments: [FILE],
  examples: ['x0t policy diff policy.yaml'],
  input: z.object({ file: z.string().min(1) }),
  async run(context, { file }) {
    const review = await client(context).policy.review({ document: await readDocument(context, file) })
    context.output.data(review, () => renderReview(context.output.paint, review, 'changes'))
    return review.ok ? EXIT.done : EXIT.failed
  },
})

interface Change {
  readonly document: string
  readonly basedOn: number | null
  readonly dryRun: boolean
  readonly yes: boolean
}

async function change(context: CliContext, { document, basedOn, dryRun, yes }: Change) {
  const review = await client(context).policy.review({ document })
  if (dryRun || !review.ok) {
    context.output.data({ dryRun, ...review }, () => renderReview(context.output.paint, review, 'changes'))
    return review.ok ? EXIT.done : EXIT.failed
  }
  const { tests, changes } = review
  if (!yes) context.output.note(renderReview(context.output.paint, review, 'changes'))
  await confirm(context, `Put this policy in place of version ${review.current ?? 0}?`, yes)
  const { policy } = await client(context).policy.apply({ document, basedOn: basedOn ?? review.current })
  context.output.done(
    { policy, tests, changes },
    `Policy version ${policy.number} is signed. It takes effect at every node that can be reached, open connections too.`,
  )
  return EXIT.done
}

const applyCommand = defineCommand({
  name: 'policy apply',
  summary: 'make a document the policy of the mesh, if its cases pass',
  arguments: [FILE],
  options: [
    { flags: '--based-on <number>', help: 'fail if the policy is at another version by now' },
    DRY_RUN,
    YES,
  ],
  examples: ['x0t policy apply policy.yaml', 'x0t policy apply policy.yaml --dry-run'],
  input: z.object({ file: z.string().min(1), basedOn: number.optional(), dryRun: flag, yes: flag }),
  async run(context, { file, basedOn, dryRun, yes }) {
    const document = await readDocument(context, file)
    return change(context, { document, basedOn: basedOn ?? null, dryRun, yes })
  },
})

const rollbackCommand = defineCommand({
  name: 'policy rollback',
  summary: 'put an older version in place again, as a new one',
  arguments: [{ flags: '<number>', help: 'the version to go back to; x0t policy history lists them' }],
  options: [DRY_RUN, YES],
  examples: ['x0t policy rollback 3'],
  input: z.object({ number, dryRun: flag, yes: flag }),
  async run(context, input) {
    const { policy } = await client(context).policy.show({ number: input.number })
    if (policy === null) throw usageFault(`there is no version ${input.number}`)
    const { dryRun, yes } = input
    return change(context, { document: policy.document, basedOn: null, dryRun, yes })
  },
})

const historyCommand = defineCommand({
  name: 'policy history',
  summary: 'list the versions of the policy that this node has kept',
  examples: ['x0t policy history'],
  input: noInput,
  async run(context) {
    const { items } = await client(context).policy.history()
    context.output.data({ items }, () => renderHistory(context.output.paint, items, context.now()))
    return EXIT.done
  },
})

const flagsCommand = defineCommand({
  name: 'flags',
  summary: 'show the feature flags, what they are at this node and why',
  examples: ['x0t flags'],
  input: noInput,
  async run(context) {
    const { items } = await client(context).policy.flags()
    context.output.data({ items }, () => renderFlags(context.output.paint, items))
    return EXIT.done
  },
})

const canCommand = defineCommand({
  name: 'can',
  summary: 'say whether a node may do something, and which rule says so; exit code 1 when not',
  arguments: [
    { flags: '<node>', help: 'who: its name or peer id' },
    { flags: '<action>', help: POLICY_ACTION_NAMES.join(', ') },
    { flags: '<what>', help: 'SERVICE@NODE to use, SERVICE to provide, NODE for the others' },
  ],
  examples: ['x0t can boris use wiki@clara', 'x0t can boris provide wiki', 'x0t can boris transit clara'],
  input: z.object({
    node: nodeRefSchema,
    action: policyActionSchema,
    what: z.string().min(1).max(256),
  }),
  async run(context, { node, action, what }) {
    const { service, at } = placeOf(action, what)
    const result = await client(context).policy.can({ who: node, action, service, at })
    context.output.data(result, () => renderCan(context.output.paint, result))
    return result.allow ? EXIT.done : EXIT.failed
  },
})

function placeOf(action: z.infer<typeof policyActionSchema>, what: string) {
  const [first = '', second] = what.split('@', 2)
  const service = action === 'use' || action === 'provide' ? serviceNameSchema.safeParse(first) : undefined
  const node = action === 'use' ? second : action === 'provide' ? undefined : what
  const at = node === undefined ? undefined : nodeRefSchema.safeParse(node)
  if (service?.success === false) throw usageFault(`'${first}' is not the name of a service`, 'can')
  if (at?.success === false || (action === 'use' && at === undefined)) {
    throw usageFault(`'${what}' must be ${action === 'use' ? 'SERVICE@NODE' : 'the name of a node'}`, 'can')
  }
  return { service: service?.data ?? null, at: at?.data ?? null }
}

export const policyCommands = [
  showCommand,
  testCommand,
  diffCommand,
  applyCommand,
  historyCommand,
  rollbackCommand,
  canCommand,
  flagsCommand,
]
