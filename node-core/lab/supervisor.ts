import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { type LabRequest, type LabStatus, labRequestSchema } from '../contract/lab.ts'
import { SCHEMA_VERSION } from '../contract/schemas.ts'
import { listenPrivately } from '../control/socket-path.ts'
import { FaultError, hasCode, messageOf } from '../platform/error.ts'
import { ensureHome, ensureSocketDirectory, type HomePaths, homePaths } from '../platform/home.ts'
import { labFault } from './faults.ts'
import type { InvariantWatch } from './invariants/watch.ts'
import type { Lab } from './lab.ts'
import { MAX_TOPOLOGY_BYTES, parseNetworkGraph, parseTopologyText, type Topology } from './topology.ts'

/** Made by a lab: what may be removed when a lab is made there again. */
const MARKER = 'lab.json'
const MAX_REQUEST_BYTES = 16 * 1024
const MAX_CONNECTIONS = 16
const REQUEST_MS = 5_000

/** `ring:6` and so on, or the path of a NetJSON file. @throws FaultError LAB_TOPOLOGY */
export function readTopology(text: string): Topology {
  if (!/[/\\]|\.json$/i.test(text)) return parseTopologyText(text)
  try {
    if (statSync(text).size > MAX_TOPOLOGY_BYTES)
      throw new RangeError(`larger than ${MAX_TOPOLOGY_BYTES} bytes`)
    return parseNetworkGraph(readFileSync(text, 'utf8'))
  } catch (error) {
    if (error instanceof FaultError) throw error
    throw labFault(
      { code: 'LAB_TOPOLOGY', what: text },
      `the file ${text} cannot be read: ${messageOf(error)}`,
    )
  }
}

/**
 * Takes the directory of a lab: makes it, or empties what a lab left there, and listens on its control socket, so
 * that nobody else takes it.
 *
 * @throws FaultError LAB_ALREADY_RUNS, LAB_DIRECTORY, HOME_UNUSABLE
 */
export async function takeDirectory(dir: string): Promise<{ server: Server; paths: HomePaths }> {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const paths = homePaths(dir)
  ensureHome(paths)
  ensureSocketDirectory(paths)
  const found = readdirSync(dir)
  if (found.length > 0 && !found.includes(MARKER)) {
    throw labFault({ code: 'LAB_DIRECTORY', path: dir }, `${dir} is not empty, and no lab made it`, {
      hint: 'Choose another --name, or remove what is there.',
    })
  }
  const server = createServer()
  try {
    await listenPrivately(server, paths.socket)
  } catch (error) {
    if (!hasCode(error, 'NODE_ALREADY_RUNNING')) throw error
    throw labFault({ code: 'LAB_ALREADY_RUNS', path: dir }, `a lab already runs in ${dir}`, {
      hint: 'See x0t lab status; end it with x0t lab down, or choose another --name.',
    })
  }
  for (const name of found) {
    if (join(dir, name) !== paths.socket) rmSync(join(dir, name), { recursive: true, force: true })
  }
  writeFileSync(join(dir, MARKER), `${JSON.stringify({ schema: SCHEMA_VERSION, pid: process.pid })}\n`)
  return { server, paths }
}

export interface ServedLab {
  readonly lab: Lab
  readonly watch: Pick<InvariantWatch, 'checks' | 'answered' | 'violations'>
}

/** The lab as its status shows it. */
export async function statusOf({ lab, watch }: ServedLab): Promise<LabStatus> {
  const violations = watch.violations().map(({ kind, detail }) => `${kind}: ${detail}`)
  return {
    ...(await lab.status()),
    invariants: { checks: watch.checks(), answered: watch.answered(), violations },
  }
}

/** Serves the requests of the command line until one of them is `down`. */
export function serveLab(server: Server, served: ServedLab, onDown: () => void): void {
  server.maxConnections = MAX_CONNECTIONS
  // One after the other: two commands at once must not leave a link half as one and half as the other wants it.
  let turn: Promise<unknown> = Promise.resolve()
  server.on('error', () => {})
  server.on('connection', (socket) => {
    readRequest(socket, (line) => {
      turn = turn.then(async () => {
        const { text, isDown } = await answer(served, line)
        socket.end(`${text}\n`, () => {
          if (isDown) onDown()
        })
        // Whoever asked for the end may have left before the answer.
        if (isDown && socket.destroyed) onDown()
      })
    })
  })
}

function readRequest(socket: Socket, onLine: (line: string) => void): void {
  let text = ''
  socket.setEncoding('utf8')
  socket.setTimeout(REQUEST_MS, () => socket.destroy())
  socket.on('error', () => {})
  const onData = (chunk: string): void => {
    text += chunk
    const end = text.indexOf('\n')
    if (end === -1) {
      if (text.length > MAX_REQUEST_BYTES) socket.destroy()
      return
    }
    socket.off('data', onData)
    socket.setTimeout(0)
    socket.resume()
    onLine(text.slice(0, end))
  }
  socket.on('data', onData)
}

async function answer(served: ServedLab, line: string): Promise<{ text: string; isDown: boolean }> {
  try {
    const request = parseRequest(line)
    const document = await perform(served, request)
    return { text: JSON.stringify({ ok: true, document }), isDown: request.op === 'down' }
  } catch (error) {
    const fault = error instanceof FaultError ? error : undefined
    const code = fault?.code ?? 'INTERNAL'
    const text = JSON.stringify({
      ok: false,
      error: { code, message: messageOf(error), hint: fault?.hint ?? '' },
    })
    return { text, isDown: false }
  }
}

function parseRequest(line: string): LabRequest {
  try {
    return labRequestSchema.parse(JSON.parse(line))
  } catch (error) {
    throw labFault({ code: 'LAB_REQUEST' }, 'the lab does not understand the request', {
      cause: error,
      hint: 'The lab and this x0t are of different versions: end the lab with the x0t that made it.',
    })
  }
}

async function perform(served: ServedLab, request: LabRequest): Promise<object> {
  const { lab } = served
  switch (request.op) {
    case 'status':
      return statusOf(served)
    case 'impair': {
      const { a, b, impairment, oneWay } = request
      await lab.impair(a, b, impairment, { oneWay })
      return linksDocument(lab, [[a, b]])
    }
    case 'heal': {
      const { a, b } = request
      await lab.heal(a, b)
      if (a !== undefined && b !== undefined) return linksDocument(lab, [[a, b]])
      return linksDocument(
        lab,
        lab.topology.links.map((link) => [link.a, link.b] as const),
      )
    }
    case 'node': {
      await lab.act(request.node, request.action)
      const { nodes } = await lab.status()
      return { schema: SCHEMA_VERSION, node: nodes.find(({ name }) => name === request.node) }
    }
    case 'down':
      return { schema: SCHEMA_VERSION, pid: process.pid }
  }
}

function linksDocument(lab: Lab, ends: readonly Parameters<Lab['impairmentsOf']>[]): object {
  return {
    schema: SCHEMA_VERSION,
    links: ends.map(([a, b]) => ({ a, b, impairments: lab.impairmentsOf(a, b) })),
  }
}
