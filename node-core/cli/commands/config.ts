import { readFile, stat, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { type ConfigChange, MAX_CONFIG_TEXT } from '../../contract/config-schemas.ts'
import { messageOf } from '../../platform/error.ts'
import { defineCommand, flag, wholeNumberText } from '../command.ts'
import { confirm } from '../confirm.ts'
import { CALL_MS, type CliContext } from '../context.ts'
import { cliFault, EXIT, usageFault } from '../fault.ts'
import type { Paint } from '../output/style.ts'
import { renderTable } from '../output/table.ts'
import { formatDuration } from '../output/time.ts'
import { readSecretFile } from '../secrets/secret-file.ts'

const client = (context: CliContext) => context.connect(context.timeoutMs ?? CALL_MS).config
const yesOption = { flags: '-y, --yes', help: 'do not ask' }
const versionText = wholeNumberText(1, 999_999_999)
const fileArgument = { flags: '<file>', help: 'YAML or JSON (- for stdin)' }
const fileInput = z.string().min(1, 'must name a file')

const showCommand = defineCommand({
  name: 'config show',
  summary: 'show what is configured: settings, services and local ports',
  examples: ['x0t config show', 'x0t config show -o yaml'],
  input: z.object({}),
  async run(context) {
    const { schema: _schema, ...shown } = await client(context).show()
    const { stringify } = await import('yaml')
    context.output.data(shown, () => stringify(shown.document, { lineWidth: 0 }).trimEnd())
    for (const { line, key, message } of shown.problems) {
      context.output.note(
        `x0t.yaml${line === null ? '' : `:${line}`}: ${key === '' ? '' : `${key}: `}${message}`,
      )
    }
    return EXIT.done
  },
})

const validateCommand = defineCommand({
  name: 'config validate',
  summary: 'check a file without applying it; exit code 1 when it is not valid',
  arguments: [fileArgument],
  examples: ['x0t config validate laptop.x0t.yaml'],
  input: z.object({ file: fileInput }),
  async run(context, { file }) {
    const { schema: _schema, ...result } = await client(context).validate({
      text: await readText(context, file),
    })
    context.output.data(result, () =>
      result.ok
        ? `${file} is valid.`
        : result.problems
            .map(({ line, column, key, message }) => {
              const place = line === null ? file : `${file}:${line}:${column ?? 1}`
              return key === '' ? `${place}: ${message}` : `${place}: ${key}: ${message}`
            })
            .join('\n'),
    )
    return result.ok ? EXIT.done : EXIT.failed
  },
})

const exportCommand = defineCommand({
  name: 'config export',
  summary: 'write the configuration to a file; without secrets, unless a passphrase seals them',
  options: [
    { flags: '--file <file>', help: 'where to write it; without it, to stdout' },
    { flags: '--format <format>', help: 'yaml (default) or json' },
    {
      flags: '--passphrase-file <file>',
      help: 'put the keystore in it, sealed with this passphrase (- for stdin)',
    },
  ],
  examples: ['x0t config export --file laptop.x0t.yaml', 'x0t config export --format json'],
  input: z.object({
    file: z.string().min(1).optional(),
    format: z.enum(['yaml', 'json'], { error: 'must be yaml or json' }).default('yaml'),
    passphraseFile: z.string().min(1).optional(),
  }),
  async run(context, { file: path, format, passphraseFile }) {
    const passphrase =
      passphraseFile === undefined
        ? null
        : await readSecretFile(passphraseFile, 'passphrase', {
            input: context.terminal.input,
            signal: context.interrupts.signal,
          })
    const { schema: _schema, ...made } = await client(context).export({ format, passphrase })
    if (path === undefined) {
      context.output.data(made, () => made.text.trimEnd())
      return EXIT.done
    }
    try {
      // Never over a file that is there: it may be the only copy of something.
      await writeFile(path, made.text, { mode: 0o600, flag: 'wx' })
    } catch (cause) {
      throw cliFault({ code: 'FILE_UNWRITABLE' }, `${path} cannot be written: ${messageOf(cause)}`, {
        cause,
        hint: 'Name another --file.',
      })
    }
    context.output.done({ file: path }, `The configuration is in ${path}.`)
    return EXIT.done
  },
})

const importCommand = defineCommand({
  name: 'config import',
  summary: 'apply a file, all of it or nothing; shows what would change and asks',
  arguments: [fileArgument],
  options: [{ flags: '--dry-run', help: 'show what would change and stop' }, yesOption],
  examples: ['x0t config import laptop.x0t.yaml', 'x0t config import settings.json --dry-run'],
  input: z.object({ file: fileInput, dryRun: flag, yes: flag }),
  async run(context, { file, dryRun, yes }) {
    const text = await readText(context, file)
    const { schema: _schema, ...preview } = await named(file, client(context).preview({ text }))
    for (const note of preview.notes) context.output.note(note)
    if (preview.changes.length === 0 || dryRun) {
      context.output.data(preview, () => renderChanges(context.output.paint, preview.changes))
      return EXIT.done
    }
    if (!context.output.json) context.output.row(renderChanges(context.output.paint, preview.changes))
    await confirm(context, 'Apply this?', yes)
    const { schema: _s, ...applied } = await named(file, client(context).import({ text, base: preview.base }))
    context.output.done(applied, appliedText(applied))
    return EXIT.done
  },
})

const historyCommand = defineCommand({
  name: 'config history',
  summary: 'list the versions of the configuration, the newest first',
  examples: ['x0t config history'],
  input: z.object({}),
  async run(context) {
    const { items } = await client(context).history()
    context.output.data({ items }, () =>
      renderTable(
        context.output.paint,
        ['VERSION', 'AGE', 'BY', 'WHAT'],
        items.map(({ version, at, actor, action, current }) => [
          `${version}${current ? ' (current)' : ''}`,
          formatDuration(context.now() - at),
          actor,
          action,
        ]),
      ),
    )
    return EXIT.done
  },
})

const diffCommand = defineCommand({
  name: 'config diff',
  summary: 'show what differs between two versions',
  arguments: [
    { flags: '<from>', help: 'a version' },
    { flags: '[to]', help: 'another; without it, the current one' },
  ],
  examples: ['x0t config diff 3', 'x0t config diff 3 5'],
  input: z.object({ from: versionText, to: versionText.optional() }),
  async run(context, { from, to }) {
    const { schema: _schema, ...diff } = await client(context).diff({ from, to: to ?? null })
    context.output.data(diff, () => renderChanges(context.output.paint, diff.changes))
    return EXIT.done
  },
})

const rollbackCommand = defineCommand({
  name: 'config rollback',
  summary: 'go back to an earlier version, all of it or nothing',
  arguments: [{ flags: '<version>', help: 'as x0t config history lists it' }],
  options: [yesOption],
  examples: ['x0t config rollback 3'],
  input: z.object({ version: versionText, yes: flag }),
  async run(context, { version, yes }) {
    const { base, version: current } = await client(context).show()
    const { changes } = await client(context).diff({ from: current, to: version })
    if (!context.output.json) context.output.row(renderChanges(context.output.paint, changes))
    await confirm(context, `Go back to version ${version}?`, yes)
    const { schema: _schema, ...applied } = await client(context).rollback({ version, base })
    context.output.done(applied, appliedText(applied))
    return EXIT.done
  },
})

export const configCommands = [
  showCommand,
  validateCommand,
  exportCommand,
  importCommand,
  historyCommand,
  diffCommand,
  rollbackCommand,
]

function renderChanges(paint: Paint, changes: readonly ConfigChange[]): string {
  if (changes.length === 0) return 'Nothing differs.'
  const text = (value: ConfigChange['before']): string => (value === null ? '' : JSON.stringify(value))
  return renderTable(
    paint,
    ['WHAT', 'BEFORE', 'AFTER', 'TAKES EFFECT'],
    changes.map(({ path, before, after, restart }) => [
      path,
      { text: text(before), tone: 'red' },
      { text: text(after), tone: 'green' },
      restart ? 'at the next start' : 'at once',
    ]),
  )
}

function appliedText({ version, changes }: { version: number; changes: readonly ConfigChange[] }): string {
  if (changes.length === 0) return 'Nothing had to be changed.'
  const wait = changes.some(({ restart }) => restart)
  return `This is version ${version} now.${wait ? ' Some of it takes effect when the node starts again: x0t down, x0t up.' : ''}`
}

/** The node calls a text `import`, because it does not know the file. */
async function named<T>(file: string, call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    if (error instanceof Error) error.message = error.message.replaceAll(/^import(?=:)/gm, file)
    throw error
  }
}

async function readText(context: CliContext, file: string): Promise<string> {
  try {
    if (file !== '-') {
      if ((await stat(file)).size > MAX_CONFIG_TEXT)
        throw usageFault(`${file} is larger than ${MAX_CONFIG_TEXT} bytes`)
      return await readFile(file, 'utf8')
    }
    let text = ''
    for await (const chunk of context.terminal.input.setEncoding('utf8')) {
      text += String(chunk)
      if (text.length > MAX_CONFIG_TEXT)
        throw usageFault(`more than ${MAX_CONFIG_TEXT} bytes came over standard input`)
    }
    return text
  } catch (cause) {
    throw cliFault({ code: 'FILE_UNREADABLE' }, `${file} cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: '',
    })
  }
}
