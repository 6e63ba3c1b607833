import { Command as Commander, CommanderError } from 'commander'
import { PRODUCT_VERSION } from '../contract/version.ts'
import type { Command, OptionSpec } from './command.ts'
import { usageFault } from './fault.ts'

/** What a command line asks for. */
export type Parsed =
  | {
      readonly kind: 'run'
      readonly command: Command
      readonly words: Readonly<Record<string, unknown>>
      readonly globals: Globals
    }
  /** Help or the version: text for stdout. */
  | { readonly kind: 'text'; readonly text: string }

export interface Globals {
  readonly home?: string
  /** One of several meshes on this machine, each with a home of its own. */
  readonly mesh?: string
  readonly node?: string
  readonly timeout?: string
}

/** Of every command. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { flags: '--home <dir>', help: 'where the node keeps its state (or X0T_HOME)' },
  { flags: '--node <node>', help: 'ask another member, with the role that the certificate of this node has' },
  { flags: '--json', help: 'print exactly one JSON document, errors too' },
  { flags: '-o, --output <format>', help: 'json, json-line (in one line) or yaml' },
  { flags: '-q, --quiet', help: 'no messages beside the result' },
  { flags: '--timeout <duration>', help: 'how long to wait, for example 30s' },
]

/** Commands of two words are shown under their first. */
const GROUPS: Readonly<Record<string, string>> = {
  policy: 'who may do what in the mesh',
  alert: 'how people are told of faults',
  log: 'how much the node logs',
  audit: 'who changed what at this node, in a log that shows tampering',
  config: 'show, move and take back the configuration of this node',
  authority: 'the key that the mesh rests on, outside of a node',
  keystore: 'how the keys of this home are sealed',
  issuer: 'who may let machines in and renew certificates',
  member: 'what a member is called and may do',
  service: 'run the node of this home as a service of the system',
  heal: 'what the loop of this node repairs, and whether it may',
  playbook: 'what answers to which symptom',
  series: 'what was measured over time',
  lab: 'many real nodes on this machine, with links that can be impaired',
}

const AFTER_HELP = `
Several meshes on one machine: x0t --mesh NAME COMMAND, before the command; each has a home of its own.
Exit codes: 0 done, 1 failed or unhealthy, 2 wrong usage.
Start with: x0t init --mesh home --name laptop`

/**
 * `--mesh NAME` in front of the command. Not an option for the parser: that would take the one of `init` for it, which
 * names a mesh that is about to be made.
 */
function takeMesh(argv: readonly string[]): {
  readonly mesh: string | undefined
  readonly rest: readonly string[]
} {
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? ''
    if (word === '--mesh') {
      return { mesh: argv[at + 1] ?? '', rest: [...argv.slice(0, at), ...argv.slice(at + 2)] }
    }
    if (word.startsWith('--mesh=')) {
      return { mesh: word.slice('--mesh='.length), rest: [...argv.slice(0, at), ...argv.slice(at + 1)] }
    }
    if (!word.startsWith('-')) break
    // An option with a value has the next word too.
    const takesValue = GLOBAL_OPTIONS.some(
      ({ flags }) => flags.includes('<') && flags.split(/[ ,]+/).includes(word),
    )
    if (takesValue) at += 1
  }
  return { mesh: undefined, rest: argv }
}

const camel = (flags: string): string =>
  flags.slice(1, -1).replace(/-([a-z])/g, (_all, letter: string) => letter.toUpperCase())

/**
 * Reads a command line. Touches neither the process nor its streams.
 *
 * @throws FaultError USAGE
 */
export function parseCommandLine(commands: readonly Command[], given: readonly string[]): Parsed {
  const { mesh, rest: argv } = takeMesh(given)
  let text = ''
  let complaint = ''
  let found: Parsed | undefined
  const program = new Commander('x0t')
    .description('A private mesh of machines with a post-quantum handshake.')
    .version(PRODUCT_VERSION, '-V, --version', 'show the version of this program')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (part) => {
        text += part
      },
      writeErr: (part) => {
        complaint += part
      },
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
    })
    .addHelpText('after', AFTER_HELP)
    .helpCommand('help [command]', 'show the help of a command')

  for (const { flags, help } of GLOBAL_OPTIONS) program.option(flags, help)
  const groups = new Map<string, Commander>()
  const parentOf = (group: string): Commander => {
    const known = groups.get(group)
    if (known !== undefined) return known
    const made = program.command(group).description(GROUPS[group] ?? '')
    groups.set(group, made)
    return made
  }
  for (const command of commands) {
    const [first = '', second] = command.name.split(' ')
    const sub = (second === undefined ? program : parentOf(first)).command(second ?? first)
    sub.description(command.summary)
    for (const { flags, help } of command.arguments ?? []) sub.argument(flags, help)
    for (const { flags, help } of command.options ?? []) sub.option(flags, help)
    const title = command.examples.length === 1 ? 'Example' : 'Examples'
    sub.addHelpText('after', `\n${title}:\n${command.examples.map((line) => `  ${line}`).join('\n')}`)
    sub.action(() => {
      const args = (command.arguments ?? []).map(
        ({ flags }, index) => [camel(flags), sub.args[index]] as const,
      )
      const words = { ...sub.opts(), ...Object.fromEntries(args.filter(([, value]) => value !== undefined)) }
      found = {
        kind: 'run',
        command,
        words,
        globals: { ...program.opts<Globals>(), ...(mesh === undefined ? {} : { mesh }) },
      }
    })
  }

  try {
    program.parse([...argv], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { kind: 'text', text: text.trimEnd() }
    throw usageFault(messageOfComplaint(complaint), meantCommand(commands, argv))
  }
  if (found === undefined) throw usageFault('a command is missing')
  return found
}

/** The command that a wrong line is about, as far as it can be told: the longest name that stands in it. */
function meantCommand(commands: readonly Command[], argv: readonly string[]): string | undefined {
  const pairs = argv.map((word, at) => `${word} ${argv[at + 1] ?? ''}`)
  const names = commands.map(({ name }) => name)
  return (
    names.find((name) => pairs.includes(name)) ??
    [...names, ...Object.keys(GROUPS)].find((name) => argv.includes(name))
  )
}

/** Commander's words without its prefix; for a missing command it writes the whole help instead. */
function messageOfComplaint(complaint: string): string {
  const text = complaint.trim()
  if (!text.startsWith('error: ')) return 'a command is missing'
  return text.replace(/^error: /, '').replaceAll('\n', ' ')
}
