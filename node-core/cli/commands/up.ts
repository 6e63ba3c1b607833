import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { peerIdSchema } from '../../contract/schemas.ts'
import { hasCode } from '../../platform/error.ts'
import type { HomePaths } from '../../platform/home.ts'
import { defineCommand, flag } from '../command.ts'
import type { CliContext } from '../context.ts'
import { runEntry } from '../entries/entry-process.ts'
import { cliFault, EXIT, type ExitCode } from '../fault.ts'
import type { InterruptSignal, Interrupts } from '../interrupts.ts'
import { existingPassphrase } from '../secrets/passphrase.ts'
import { createServiceNotifier } from '../service/notify.ts'

const START_MS = 60_000
const PROBE_MS = 2_000
const LINK_MS = 15_000
/** A node that is told to stop and does not is stopped. */
const STOP_MS = 20_000

const answerSchema = z.union([
  z.object({
    ok: z.literal(true),
    pid: z.number().int().positive(),
    peerId: peerIdSchema,
    addresses: z.array(z.string()),
    socket: z.string(),
  }),
  /** No mesh yet: the console leads to one. */
  z.object({
    ok: z.literal(true),
    setup: z.literal(true),
    pid: z.number().int().positive(),
    socket: z.string(),
  }),
])

function checkHome({ root, keystore }: HomePaths): void {
  if (existsSync(keystore)) return
  throw cliFault({ code: 'NO_MESH' }, `the home ${root} belongs to no mesh yet`, {
    hint: 'Make a mesh with x0t init --mesh M --name N, or join one with x0t join TOKEN --name N.',
  })
}

/** The node refuses a home in use by itself; asked first, it can be said before a passphrase is typed. */
async function checkNotRunning(context: CliContext): Promise<void> {
  try {
    const { pid } = await context.connect(PROBE_MS).node.version()
    throw cliFault(
      { code: 'NODE_ALREADY_RUNNING' },
      `a node already runs on the home ${context.paths.root} (pid ${pid})`,
      {
        hint: 'Use x0t status to see it, x0t down to stop it, or --home for another home.',
      },
    )
  } catch (error) {
    if (hasCode(error, 'NODE_NOT_RUNNING')) return
    throw error
  }
}

/** Where a detached node writes before its own log is open, and when it dies. */
function startLog({ logs }: HomePaths): { file: string } {
  mkdirSync(logs, { recursive: true, mode: 0o700 })
  return { file: join(logs, 'start.log') }
}

/** Passes every interrupt on to the node and waits for it to end: 0 when it ended in good order. */
function attend(child: ChildProcess, interrupts: Interrupts): Promise<ExitCode> {
  return new Promise((resolve) => {
    let insist: NodeJS.Timeout | undefined
    const pass = (signal: InterruptSignal): void => {
      child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal)
      insist ??= setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    }
    const off = interrupts.on(pass)
    const end = (): void => {
      off()
      clearTimeout(insist)
      resolve(child.exitCode === 0 ? EXIT.done : EXIT.failed)
    }
    if (child.exitCode !== null || child.signalCode !== null) end()
    else child.once('exit', end)
  })
}

function release(child: ChildProcess): void {
  child.stdin?.destroy()
  child.stdout?.destroy()
  child.unref()
}

interface UpWords {
  readonly listen: readonly string[]
  readonly peer: readonly string[]
  readonly foreground: boolean
  readonly console: boolean
  readonly passphraseFile?: string | undefined
}

async function start(context: CliContext, { listen, peer, foreground, console, ...words }: UpWords) {
  const setup = console && !existsSync(context.paths.keystore)
  const passphrase = setup ? undefined : await existingPassphrase(context, words)
  context.output.note('Starting the node...')
  return runEntry({
    program: context.entryOf('node'),
    options: {
      home: context.paths.root,
      ...{ foreground, setup: console },
      ...(listen.length === 0 ? {} : { listen }),
      ...(peer.length === 0 ? {} : { peers: peer }),
    },
    secrets: { passphrase },
    answer: answerSchema,
    log: foreground ? 'show' : startLog(context.paths),
    // In both cases: in the foreground, a Ctrl-C would otherwise reach the node twice, once from us.
    detached: true,
    tied: foreground,
    timeoutMs: context.timeoutMs ?? START_MS,
    signal: context.interrupts.signal,
  })
}

function upText(node: z.infer<typeof answerSchema>, link: string | undefined): string {
  const up =
    'setup' in node
      ? `There is no mesh in this home yet; the console leads to one (pid ${node.pid}).`
      : `The node is up (pid ${node.pid}), listening on ${node.addresses.join(', ') || 'no address'}.`
  if (link === undefined) return up
  return `${up}\n\n  ${link}\n\nThe link works once, and for a minute; x0t console gives another.`
}

export const upCommand = defineCommand({
  name: 'up',
  summary: 'start the node of this home',
  options: [
    { flags: '--foreground', help: 'stay attached and show the log; Ctrl-C stops the node' },
    { flags: '--console', help: 'print a link to the console; without a mesh yet, it leads to one' },
    { flags: '--headless', help: 'without a window (the command line never opens one)' },
    { flags: '--listen <multiaddr...>', help: 'addresses to listen on' },
    { flags: '--peer <multiaddr...>', help: 'addresses to try first' },
    { flags: '--passphrase-file <file>', help: 'read the passphrase from a file (- for stdin)' },
  ],
  examples: ['x0t up', 'x0t up --console', 'x0t up --foreground --listen /ip4/0.0.0.0/tcp/4001'],
  input: z.object({
    foreground: flag,
    console: flag,
    headless: flag,
    listen: z
      .array(z.string().startsWith('/', 'must be a multiaddr such as /ip4/0.0.0.0/tcp/4001'))
      .default([]),
    peer: z
      .array(z.string().startsWith('/', 'must be a multiaddr such as /ip4/192.0.2.7/tcp/4001'))
      .default([]),
    passphraseFile: z.string().min(1).optional(),
  }),
  async run(context, words) {
    if (!words.console) checkHome(context.paths)
    await checkNotRunning(context)
    const { answer, child } = await start(context, words)
    const { ok: _ok, ...node } = answer
    const link = words.console ? await context.connect(LINK_MS).console.link({ role: null }) : undefined
    context.output.done(
      { ...node, foreground: words.foreground, ...(link === undefined ? {} : { console: link.url }) },
      upText(answer, link?.url),
    )
    if (words.foreground) {
      child.stdout?.resume()
      const service = createServiceNotifier(context.env)
      service.ready(`up, pid ${node.pid}`)
      service.watch(async () => (await context.connect(PROBE_MS).node.check({ check: 'live' })).ok)
      const off = context.interrupts.on(() => service.stopping())
      return attend(child, context.interrupts).finally(() => {
        off()
        service.stop()
      })
    }
    release(child)
    return EXIT.done
  },
})
