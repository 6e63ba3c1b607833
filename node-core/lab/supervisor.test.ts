import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SCHEMA_VERSION } from '../contract/schemas.ts'
import type { Lab } from './lab.ts'
import { readTopology, serveLab, takeDirectory } from './supervisor.ts'
import { parseTopologyText } from './topology.ts'

let folder: string
const servers: Server[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'x0t-supervisor-'))
})

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
  rmSync(folder, { recursive: true, force: true })
})

async function take(dir: string) {
  const taken = await takeDirectory(dir)
  servers.push(taken.server)
  return taken
}

/** A lab without nodes, which records what it is told. */
function recordingLab(): { lab: Lab; calls: string[] } {
  const calls: string[] = []
  const record =
    (name: string) =>
    async (...args: readonly unknown[]): Promise<void> => {
      calls.push([name, ...args.map((arg) => JSON.stringify(arg))].join(' '))
    }
  const nothing = async (): Promise<void> => {}
  const unused = (): never => {
    throw new Error('not of use here')
  }
  return {
    calls,
    lab: {
      ...{ topology: parseTopologyText('chain:3'), dir: folder, seed: 1 },
      ...{ prepare: nothing, up: nothing, halt: nothing, start: nothing, stop: nothing, linked: nothing },
      ...{
        home: unused,
        pid: unused,
        port: unused,
        client: unused,
        impairmentsOf: () => [],
        traffic: unused,
      },
      ...{ act: record('act'), impair: record('impair'), heal: record('heal') },
      status: async () => ({
        schema: SCHEMA_VERSION,
        lab: { dir: folder, topology: 'chain:3', seed: 1, pid: process.pid, startedAt: 0 },
        nodes: [],
        links: [],
      }),
    },
  }
}

const WATCH = {
  checks: () => 3,
  answered: () => 7,
  violations: () => [{ kind: 'lost' as const, detail: 'x', atMs: 0 }],
}

function ask(path: string, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path)
    let answer = ''
    socket.setEncoding('utf8').on('data', (part: string) => {
      answer += part
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
    socket.write(text)
  })
}

describe('the directory of a lab', () => {
  it('is taken by one lab at a time, behind a socket for its user alone', async () => {
    const { paths } = await take(join(folder, 'one'))
    expect(statSync(paths.socket).mode & 0o777).toBe(0o600)
    expect(statSync(paths.root).mode & 0o777).toBe(0o700)
    await expect(takeDirectory(join(folder, 'one'))).rejects.toMatchObject({ code: 'LAB_ALREADY_RUNS' })
  })

  it('is refused when something else is in it', async () => {
    writeFileSync(join(folder, 'thesis.txt'), 'ten years of work')
    await expect(takeDirectory(folder)).rejects.toMatchObject({ code: 'LAB_DIRECTORY' })
    expect(statSync(join(folder, 'thesis.txt')).size).toBe(17)
  })

  it('is taken over from a lab that left it', async () => {
    const dir = join(folder, 'one')
    const first = await take(dir)
    writeFileSync(join(dir, 'rest'), '')
    first.server.close()
    await take(dir)
    expect(() => statSync(join(dir, 'rest'))).toThrow(/ENOENT/)
  })
})

describe('the socket of a lab', () => {
  it('carries requests to the lab and its answers back', async () => {
    const { server, paths } = await take(join(folder, 'lab'))
    const { lab, calls } = recordingLab()
    let downs = 0
    serveLab(server, { lab, watch: WATCH }, () => {
      downs += 1
    })
    const request = (value: object) => ask(paths.socket, `${JSON.stringify(value)}\n`)
    expect(JSON.parse(await request({ op: 'status' }))).toMatchObject({
      ok: true,
      document: { schema: 1, invariants: { checks: 3, answered: 7, violations: ['lost: x'] } },
    })
    const impairment = { kind: 'delay', ms: 5, jitterMs: 0 }
    await request({ op: 'impair', a: 'n1', b: 'n2', impairment, oneWay: true })
    await request({ op: 'heal' })
    expect(calls.map((call) => call.trimEnd())).toEqual([
      'impair "n1" "n2" {"kind":"delay","ms":5,"jitterMs":0} {"oneWay":true}',
      'heal',
    ])
    expect(downs).toBe(0)
    expect(JSON.parse(await request({ op: 'down' }))).toMatchObject({
      ok: true,
      document: { pid: process.pid },
    })
    expect(downs).toBe(1)
  })

  it.each([
    ['no JSON', 'hello\n'],
    ['an unknown operation', '{"op":"format"}\n'],
    [
      'a value out of bounds',
      '{"op":"impair","a":"n1","b":"n2","impairment":{"kind":"loss","rate":7},"oneWay":false}\n',
    ],
    ['a name that is none', '{"op":"node","node":"../n1","action":"kill"}\n'],
  ])('refuses %s', async (_what, text) => {
    const { server, paths } = await take(join(folder, 'lab'))
    const { lab, calls } = recordingLab()
    serveLab(server, { lab, watch: WATCH }, () => {})
    expect(JSON.parse(await ask(paths.socket, text))).toMatchObject({
      ok: false,
      error: { code: 'LAB_REQUEST' },
    })
    expect(calls).toEqual([])
  })

  it('hangs up on a line without end', async () => {
    const { server, paths } = await take(join(folder, 'lab'))
    serveLab(server, { lab: recordingLab().lab, watch: WATCH }, () => {})
    expect(await ask(paths.socket, 'x'.repeat(100_000))).toBe('')
  })
})

describe('a topology', () => {
  it('is read from words or from a file, and says why it is not', () => {
    const path = join(folder, 'graph.json')
    writeFileSync(
      path,
      '{"type":"NetworkGraph","nodes":[{"id":"a"},{"id":"b"}],"links":[{"source":"a","target":"b"}]}',
    )
    expect(readTopology(path).nodes).toEqual(['a', 'b'])
    expect(readTopology('chain:2').nodes).toEqual(['n1', 'n2'])
    expect(() => readTopology(join(folder, 'none.json'))).toThrow(/cannot be read: ENOENT/)
  })
})
