import { appendFile, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { nodeRefSchema } from '../../contract/schemas.ts'
import { messageOf } from '../../platform/error.ts'
import { defineCommand, durationText, wholeNumberText } from '../command.ts'
import { CALL_MS, type CliContext } from '../context.ts'
import { cliFault, EXIT } from '../fault.ts'
import { renderAudit, renderAuditEntry, renderVerification } from '../output/audit-view.ts'

const client = (context: CliContext, timeoutMs = CALL_MS) =>
  context.connect(context.timeoutMs ?? timeoutMs).audit
const LISTED = 50
const MAX_SEQ = 999_999_999
/** Every member is asked for what it holds. */
const VERIFY_MS = 60_000
const EXPORT_PAGE = 250

const listCommand = defineCommand({
  name: 'audit list',
  summary: 'list who changed what at this node, the newest first',
  options: [
    { flags: '--limit <n>', help: `at most so many (default ${LISTED})` },
    { flags: '--before <n>', help: 'only entries older than this one' },
    { flags: '--since <duration>', help: 'only what happened within, for example, 24h' },
    { flags: '--operation <text>', help: 'only operations that begin so, for example members.' },
    { flags: '--actor <text>', help: 'only actors that begin so, for example "member boris"' },
    { flags: '--correlation <id>', help: 'only what belongs together, for example an incident' },
  ],
  examples: ['x0t audit list', 'x0t audit list --operation members. --since 24h --json'],
  input: z.object({
    limit: wholeNumberText(1, 200).optional(),
    before: wholeNumberText(1, MAX_SEQ).optional(),
    since: durationText.optional(),
    operation: z.string().min(1).max(64).optional(),
    actor: z.string().min(1).max(128).optional(),
    correlation: z.string().min(1).max(64).optional(),
  }),
  async run(context, { limit, before, since, operation, actor, correlation }) {
    const { schema: _schema, ...page } = await client(context).list({
      ...{ limit: limit ?? LISTED, before: before ?? null, until: null },
      since: since === undefined ? null : Math.max(0, context.now() - since),
      ...{ operation: operation ?? null, actor: actor ?? null, correlation: correlation ?? null },
    })
    context.output.data(page, () =>
      page.items.length === 0 ? 'No entry matches.' : renderAudit(context.output.paint, page.items),
    )
    return EXIT.done
  },
})

const showCommand = defineCommand({
  name: 'audit show',
  summary: 'show one change whole: what was asked for, what was there before and after',
  arguments: [{ flags: '<number>', help: 'of the entry' }],
  examples: ['x0t audit show 12'],
  input: z.object({ number: wholeNumberText(1, MAX_SEQ) }),
  async run(context, { number }) {
    const { entry } = await client(context).show({ seq: number })
    context.output.data({ entry }, () => renderAuditEntry(context.output.paint, entry))
    return EXIT.done
  },
})

const verifyCommand = defineCommand({
  name: 'audit verify',
  summary:
    'check the log against its signatures and what other members hold; exit code 1 when it was tampered with',
  arguments: [{ flags: '[node]', help: 'read and check the log of another member' }],
  examples: ['x0t audit verify', 'x0t audit verify boris'],
  input: z.object({ node: nodeRefSchema.optional() }),
  async run(context, { node }) {
    const { schema: _schema, ...result } = await client(context, VERIFY_MS).verify({ node: node ?? null })
    context.output.data(result, () => renderVerification(context.output.paint, { schema: 1, ...result }))
    return result.ok ? EXIT.done : EXIT.failed
  },
})

const exportCommand = defineCommand({
  name: 'audit export',
  summary: 'write the whole log to a file, one JSON document a line, with what was signed',
  arguments: [{ flags: '<file>', help: 'a file that does not exist yet' }],
  examples: ['x0t audit export audit.jsonl'],
  input: z.object({ file: z.string().min(1) }),
  async run(context, { file }) {
    let entries = 0
    let after: number | null = null
    let write = (text: string): Promise<void> => writeFile(file, text, { mode: 0o600, flag: 'wx' })
    do {
      const { items, next, ...about } = await client(context).export({ after, limit: EXPORT_PAGE })
      const lines = items.map(({ entry, bytes }) => `${JSON.stringify({ ...entry, bytes })}\n`)
      // The last line says over which end the node has signed, and with which keys.
      if (next === null) lines.push(`${JSON.stringify(about)}\n`)
      await write(lines.join('')).catch((cause: unknown) => {
        throw cliFault({ code: 'FILE_UNWRITABLE' }, `${file} cannot be written: ${messageOf(cause)}`, {
          cause,
          hint: 'Name a file that does not exist yet, on a disk with room.',
        })
      })
      write = (text) => appendFile(file, text)
      entries += items.length
      after = next
    } while (after !== null)
    context.output.done({ file, entries }, `${entries} entries are in ${file}.`)
    return EXIT.done
  },
})

export const auditCommands = [listCommand, showCommand, verifyCommand, exportCommand]
