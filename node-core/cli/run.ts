import { join } from 'node:path'
import { nodeRefSchema } from '../contract/schemas.ts'
import { defaultHome, homePaths, meshesDirectory } from '../platform/home.ts'
import { createNodeClient } from './client/node-client.ts'
import { durationText } from './command.ts'
import { alertCommands } from './commands/alerts.ts'
import { auditCommands } from './commands/audit.ts'
import { authorityCommands } from './commands/authority.ts'
import { backupCommands } from './commands/backup.ts'
import { bugreportCommand } from './commands/bugreport.ts'
import { completionCommand } from './commands/completion.ts'
import { configCommands } from './commands/config.ts'
import { consoleCommand } from './commands/console.ts'
import { downCommand } from './commands/down.ts'
import { healCommands, whyCommand } from './commands/heal.ts'
import { seriesCommands, sloCommand } from './commands/history.ts'
import { incidentCommands } from './commands/incidents.ts'
import { initCommand } from './commands/init.ts'
import { inviteCommand } from './commands/invite.ts'
import { joinCommand } from './commands/join.ts'
import { approveCommand, rejectCommand } from './commands/joins.ts'
import { labCommands } from './commands/lab.ts'
import { labUpCommand } from './commands/lab-up.ts'
import { memberCommands } from './commands/members.ts'
import { leaveCommand, revokeCommand } from './commands/membership.ts'
import { peersCommand } from './commands/peers.ts'
import { pingCommand } from './commands/ping.ts'
import { playbookCommands } from './commands/playbooks.ts'
import { policyCommands } from './commands/policy.ts'
import { netcheckCommand, routesCommand, traceCommand } from './commands/routes.ts'
import { logCommands, metricsCommand } from './commands/run-it.ts'
import { serviceCommands } from './commands/service.ts'
import {
  exposeCommand,
  forwardCommand,
  servicesCommand,
  unexposeCommand,
  unforwardCommand,
} from './commands/services.ts'
import { socksCommand, unsocksCommand } from './commands/socks.ts'
import { statusCommand } from './commands/status.ts'
import { upCommand } from './commands/up.ts'
import { versionCommand } from './commands/version.ts'
import { waitCommand } from './commands/wait.ts'
import { answerCompletion } from './completion/answer.ts'
import type { CliContext, Surroundings } from './context.ts'
import { EXIT, type ExitCode, errorTextOf, exitCodeOf, usageFault } from './fault.ts'
import {
  createOutput,
  DOCUMENT_FORMATS,
  type DocumentFormat,
  documentWriter,
  type Output,
  type Sink,
} from './output/output.ts'
import { GLOBAL_OPTIONS, type Globals, parseCommandLine } from './program.ts'

/** In the order in which the help shows them. */
export const COMMANDS = [
  initCommand,
  joinCommand,
  upCommand,
  downCommand,
  statusCommand,
  waitCommand,
  consoleCommand,
  inviteCommand,
  approveCommand,
  rejectCommand,
  revokeCommand,
  leaveCommand,
  peersCommand,
  pingCommand,
  routesCommand,
  traceCommand,
  ...seriesCommands,
  sloCommand,
  netcheckCommand,
  exposeCommand,
  unexposeCommand,
  servicesCommand,
  forwardCommand,
  unforwardCommand,
  socksCommand,
  unsocksCommand,
  versionCommand,
  completionCommand,
  ...incidentCommands,
  ...alertCommands,
  metricsCommand,
  ...logCommands,
  bugreportCommand,
  ...auditCommands,
  ...backupCommands,
  ...authorityCommands,
  ...memberCommands,
  ...policyCommands,
  ...healCommands,
  ...playbookCommands,
  whyCommand,
  ...serviceCommands,
  labUpCommand,
  ...configCommands,
  ...labCommands,
]

/** What makes sense to ask of another member: what only reads or changes its node, and waits for nothing here. */
const REMOTE = [
  ...[
    'status',
    'peers',
    'ping',
    'routes',
    'trace',
    'netcheck',
    'version',
    'metrics',
    'services',
    'expose',
    'unexpose',
  ],
  ...['config show', 'config validate', 'config import', 'config history', 'config diff', 'config rollback'],
]

function checkRemote(name: string, { node }: Globals): void {
  if (node === undefined) return
  if (!nodeRefSchema.safeParse(node).success)
    throw usageFault('--node must be the name or the peer id of a node')
  if (!REMOTE.includes(name)) throw usageFault(`x0t ${name} acts on this machine and takes no --node`, name)
}

/** Options before `--` that have to be known even when the rest of the command line is wrong. */
function asksFor(argv: readonly string[], ...names: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return argv.slice(0, end === -1 ? argv.length : end).some((word) => names.includes(word))
}

/** What the shell's completion calls; nothing for people. */
const COMPLETE = '__complete'

/** The format of the document that is asked for. It has to be known even when the rest of the command line is wrong. */
function formatOf(argv: readonly string[]): DocumentFormat | 'unknown' | undefined {
  const end = argv.indexOf('--')
  const words = argv.slice(0, end === -1 ? argv.length : end)
  const at = words.findLastIndex((word) => /^(-o|--output)(=|$)/.test(word))
  if (at === -1) return words.includes('--json') ? 'json' : undefined
  const named = words[at]?.includes('=') ? words[at].replace(/^[^=]*=/, '') : words[at + 1]
  return DOCUMENT_FORMATS.find((format) => format === named) ?? 'unknown'
}

/** @throws FaultError USAGE for two homes, or a mesh that cannot be the name of a folder */
function homeOf({ env }: Surroundings, { home, mesh }: Globals): string {
  if (mesh === undefined) return home ?? defaultHome(env)
  if (home !== undefined) throw usageFault('--home and --mesh name two homes; give one of them')
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(mesh)) {
    throw usageFault('--mesh must be 1 to 63 lowercase letters, digits and hyphens')
  }
  return join(meshesDirectory(env), mesh)
}

function createContext(surroundings: Surroundings, output: Output, globals: Globals): CliContext {
  const timeout = globals.timeout === undefined ? undefined : durationText.safeParse(globals.timeout)
  if (timeout?.success === false) {
    throw usageFault(`--timeout ${timeout.error.issues[0]?.message ?? 'is not a duration'}`)
  }
  if (timeout?.data === 0) throw usageFault('--timeout must be longer than nothing')
  if (globals.home === '') throw usageFault('--home must name a directory')
  const paths = homePaths(homeOf(surroundings, globals))
  const { signal } = surroundings.interrupts
  return {
    ...surroundings,
    paths,
    output,
    timeoutMs: timeout?.data,
    connect: (timeoutMs) => createNodeClient(paths, { timeoutMs, signal, node: globals.node }),
    now: () => Date.now(),
  }
}

/** Runs one command line from its words to its exit code. Whatever goes wrong is told as an error; it never throws. */
export async function runCli(
  argv: readonly string[],
  { stdout, stderr, ...surroundings }: Surroundings & { readonly stdout: Sink; readonly stderr: Sink },
): Promise<ExitCode> {
  const format = formatOf(argv)
  const output = createOutput(stdout, stderr, {
    write: format === undefined ? undefined : await documentWriter(format === 'unknown' ? 'json' : format),
    quiet: asksFor(argv, '--quiet', '-q'),
    env: surroundings.env,
  })
  try {
    if (argv[0] === COMPLETE) {
      const context = createContext(surroundings, output, {})
      stdout.write(await answerCompletion(context, COMMANDS, GLOBAL_OPTIONS, argv.slice(1)))
      return EXIT.done
    }
    if (format === 'unknown') throw usageFault(`--output must be one of ${DOCUMENT_FORMATS.join(', ')}`)
    const parsed = parseCommandLine(COMMANDS, argv)
    if (parsed.kind === 'text') {
      output.data({ text: parsed.text }, () => parsed.text)
      return EXIT.done
    }
    checkRemote(parsed.command.name, parsed.globals)
    return await parsed.command.run(createContext(surroundings, output, parsed.globals), parsed.words)
  } catch (error) {
    output.fail(errorTextOf(error))
    return exitCodeOf(error)
  }
}
