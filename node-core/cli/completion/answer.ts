import type { Command, OptionSpec } from '../command.ts'
import type { CliContext } from '../context.ts'
import { type Completion, complete, matching } from './complete.ts'
import { FILES_MARK } from './scripts.ts'

/** A person waits for it with a finger on the key. */
const ASK_MS = 800

/**
 * What a shell offers at the cursor, one candidate a line with its explanation after a tab. A node that does not run
 * or does not answer offers no names: a completion never fails.
 */
export async function answerCompletion(
  context: Pick<CliContext, 'connect'>,
  commands: readonly Command[],
  globals: readonly OptionSpec[],
  words: readonly string[],
): Promise<string> {
  const completion = complete(commands, globals, words)
  if (completion.kind === 'files') return `${FILES_MARK}\n`
  const offered =
    completion.kind === 'words' ? completion : await namesOf(context, completion.of, words.at(-1) ?? '')
  return offered.kind === 'words'
    ? offered.words.map(({ value, help }) => `${value}\t${help}\n`).join('')
    : ''
}

async function namesOf(
  { connect }: Pick<CliContext, 'connect'>,
  of: 'nodes' | 'services',
  typed: string,
): Promise<Completion> {
  try {
    const node = connect(ASK_MS)
    if (of === 'services') {
      const { items } = await node.services.list()
      const names = new Set(items.map(({ name }) => name))
      return matching(
        [...names].map((value) => ({ value, help: 'a service of the mesh' })),
        typed,
      )
    }
    const { items } = await node.members.list()
    return matching(
      items.map(({ name, role }) => ({ value: name, help: role === 'none' ? 'a node' : `a node, ${role}` })),
      typed,
    )
  } catch {
    return { kind: 'words', words: [] }
  }
}
