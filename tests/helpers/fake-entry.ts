import { writeFileSync } from 'node:fs'
import { createControlServer } from '../../node-core/control/socket-server.ts'
import { homePaths } from '../../node-core/platform/home.ts'
import { silentLogger } from '../../node-core/platform/logger.ts'
import { createFakeNode, LAPTOP } from './fake-node-api.ts'

/*
 * A program that keeps the protocol of init, join and node, and does what FAKE_ENTRY says:
 * `lines`  writes FAKE_LINES and ends
 * `silent` never answers and ignores SIGTERM when FAKE_STUBBORN is set
 * `crash`  writes to stderr and ends with 3
 * `serve`  is a node: it serves the contract from memory until it is told to stop
 * What it was given is kept in FAKE_SEEN.
 */

const { FAKE_ENTRY, FAKE_LINES = '', FAKE_SEEN, FAKE_STUBBORN } = process.env

async function readStdin(): Promise<string> {
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) text += String(chunk)
  return text
}

const options: unknown = JSON.parse(process.argv[2] ?? 'null')
const secrets: unknown = JSON.parse(await readStdin())
if (FAKE_SEEN !== undefined) {
  const seen = { pid: process.pid, argv: process.argv.slice(2), options, secrets, signals: [] as string[] }
  const save = (): void => writeFileSync(FAKE_SEEN, JSON.stringify(seen))
  save()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.prependListener(signal, () => {
      seen.signals.push(signal)
      save()
      if (FAKE_ENTRY !== 'serve' && FAKE_STUBBORN === undefined) process.exit(0)
    })
  }
}

function homeOf(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'home' in value) return String(value.home)
  throw new Error('no home')
}

async function serve(): Promise<void> {
  const { socket } = homePaths(homeOf(options))
  const fake = createFakeNode()
  const server = createControlServer({ api: fake.api, logger: silentLogger }, { path: socket })
  const stop = async (): Promise<void> => {
    await server.stop()
    process.exit(0)
  }
  fake.state.onStop = () => void stop()
  process.on('SIGINT', () => void stop())
  process.on('SIGTERM', () => void stop())
  process.on('disconnect', () => void stop())
  process.stdout.on('error', () => {})
  await server.start()
  const answer = {
    ok: true,
    pid: process.pid,
    peerId: LAPTOP,
    addresses: ['/ip4/127.0.0.1/tcp/4001'],
    socket,
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

switch (FAKE_ENTRY) {
  case 'lines':
    process.stdout.write(FAKE_LINES)
    break
  case 'crash':
    process.stderr.write('TypeError: something is broken\n')
    process.exitCode = 3
    break
  case 'serve':
    await serve()
    break
  default:
    setInterval(() => {}, 60_000)
}
