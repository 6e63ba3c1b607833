import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { ConfigChange } from '../../contract/config-schemas.ts'
import { serviceNameSchema } from '../../contract/schemas.ts'
import { type Knowledge, openKnowledge } from '../../knowledge/knowledge.ts'
import { systemClock } from '../../platform/clock.ts'
import { FaultError } from '../../platform/error.ts'
import { silentLogger } from '../../platform/logger.ts'
import {
  type ConfigStore,
  type ConfiguredParts,
  createConfigStore,
  recoverParts,
  recoverSettingsFile,
} from './config-store.ts'
import { readDocument, requireDocument } from './document.ts'
import { editSettings } from './edit-settings.ts'

let folder: string
let path: string
let knowledge: Knowledge
let targets: Map<string, string>
/** The name of a service that cannot be made. */
let broken: string
let store: ConfigStore

const parts: ConfiguredParts = {
  read: () => ({
    services: [...targets].map(([name, target]) => ({ name: serviceNameSchema.parse(name), target })),
    forwards: [],
    socks: [],
  }),
  async apply({ path: at, after }: ConfigChange) {
    const name = at.replace('services.', '')
    if (name === broken)
      throw new FaultError({ code: 'BROKEN' }, `${name} cannot be exposed`, { hint: 'Mend it.' })
    if (after === null) targets.delete(name)
    else targets.set(name, String(Reflect.get(Object(after), 'target')))
  },
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'x0t-config-'))
  path = join(folder, 'x0t.yaml')
  knowledge = openKnowledge({ logger: silentLogger }, { path: join(folder, 'knowledge.db') })
  targets = new Map([['web', '127.0.0.1:80']])
  broken = ''
  store = createConfigStore(
    { clock: systemClock, logger: silentLogger, parts, versions: knowledge.configVersions },
    { path },
  )
})
afterEach(() => {
  knowledge.close()
  rmSync(folder, { recursive: true, force: true })
})

const documentIn = (text: string) => requireDocument(text, 'import').document
const apply = (text: string, base = store.current().base) =>
  store.apply(documentIn(text), { base, actor: 'test', action: 'import' })

const BEFORE = '# my laptop\nlog:\n  level: debug # for now\n'
const AFTER = `schema: 2
settings: { log: { level: warn }, links: { min: 2 } }
services: [{ name: db, target: "127.0.0.1:5432", check: tcp }]
`

describe('the versions of a configuration', () => {
  it('applies all of a document, keeps the comments, and goes back with one call', async () => {
    writeFileSync(path, BEFORE)
    const first = store.current()
    const { version, changes } = await apply(AFTER)
    expect(changes.map((each) => [each.path, each.restart])).toEqual([
      ['services.db', false],
      ['services.web', false],
      ['settings.links.min', true],
      ['settings.log.level', false],
    ])
    expect([version, [...targets.keys()]]).toEqual([2, ['db']])
    expect(readFileSync(path, 'utf8')).toBe('# my laptop\nlog:\n  level: warn # for now\nlinks:\n  min: 2\n')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    await store.rollback(first.version, { base: store.current().base, actor: 'test' })
    expect(readFileSync(path, 'utf8')).toBe(BEFORE)
    expect([...targets]).toEqual([['web', '127.0.0.1:80']])
    expect(store.versions.list(10).map(({ version: n, action }) => `${n} ${action}`)).toEqual([
      '3 rollback to 1',
      '2 import',
      '1 seen',
    ])
  })

  it('changes nothing when a part of it cannot be done', async () => {
    writeFileSync(path, BEFORE)
    broken = 'zz'
    const before = store.current()
    const document =
      'schema: 2\nsettings: {}\nservices: [{ name: aa, target: "h:1" }, { name: zz, target: "h:2" }]\n'
    await expect(apply(document)).rejects.toMatchObject({ code: 'CONFIG_NOT_APPLIED', hint: 'Mend it.' })
    expect(store.current()).toEqual(before)
    expect(readFileSync(path, 'utf8')).toBe(BEFORE)
    expect(knowledge.configVersions.unsettled()).toBeUndefined()
  })

  it('refuses what was shown against another state', async () => {
    const { base } = store.current()
    targets.set('new', 'h:1')
    await expect(apply(AFTER, base)).rejects.toMatchObject({ code: 'CONFIG_CHANGED' })
    expect([...targets.keys()]).toEqual(['web', 'new'])
  })

  it('leaves alone what a document does not speak of', async () => {
    writeFileSync(path, BEFORE)
    expect((await apply('schema: 2\nsocks: []\n')).changes).toEqual([])
    await apply('log:\n  level: error\n')
    expect([...targets.keys()]).toEqual(['web'])
    await apply('schema: 2\nservices: []\n')
    expect(targets.size).toBe(0)
    expect(readFileSync(path, 'utf8')).toBe('# my laptop\nlog:\n  level: error # for now\n')
  })

  it('records what was changed by hand, and can take that back', async () => {
    const { version } = store.current()
    writeFileSync(path, 'log:\n  level: trace\n')
    expect(store.current().version).toBe(version + 1)
    await store.rollback(version, { base: store.current().base, actor: 'test' })
    expect(existsSync(path)).toBe(false)
  })

  it('has what a crash in the middle began taken back at the next start', async () => {
    writeFileSync(path, BEFORE)
    store.current()
    // As `apply` leaves it when the process dies after a service and the file were changed.
    const document = JSON.stringify({ settings: {}, services: [], forwards: [], socks: [] })
    const row = { at: 1, actor: 'test', action: 'import', document, fileText: 'log: {}\n' }
    knowledge.configVersions.append(row, 'applying')
    writeFileSync(path, 'log: {}\n')
    targets = new Map([['half', 'h:1']])
    const wanted = recoverSettingsFile(knowledge.configVersions, path)
    expect(readFileSync(path, 'utf8')).toBe(BEFORE)
    await recoverParts(silentLogger, parts, wanted).start()
    expect([...targets]).toEqual([['web', '127.0.0.1:80']])
    expect(recoverSettingsFile(knowledge.configVersions, path)).toBeUndefined()
    expect(store.versions.list(10)).toHaveLength(1)
  })
})

describe('a document', () => {
  it.each([
    ['a typing error', 'schema: 2\nsettings:\n  log:\n    levle: debug\n', 'import:4:5: settings.log.levle'],
    [
      'a wrong value',
      'schema: 2\nservices:\n  - name: web\n    target: nowhere\n',
      'import:4:13: services[0].target',
    ],
    ['JSON with a wrong value', '{\n "schema": 2,\n "socks": [0]\n}', 'import:3:12: socks[0]'],
    ['what is no YAML', 'schema: 2\nsocks: [1\n', 'import:'],
    [
      'a name twice',
      'schema: 2\nservices: [{name: a, target: "h:1"}, {name: a, target: "h:2"}]\n',
      'import:2:11: services',
    ],
    ['a wrong x0t.yaml', 'log:\n  level: loud\n', 'import:2:10: log.level'],
  ])('names the line of %s', (_what, text, place) => {
    expect(() => documentIn(text)).toThrow(place)
    try {
      documentIn(text)
    } catch (error) {
      expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
    }
  })

  it('is brought from the older form to this one, and refused from a newer one', () => {
    expect(readDocument('log: { level: warn }\n', 'f')).toMatchObject({
      ...{ ok: true, schema: 1, document: { settings: { log: { level: 'warn' } } } },
    })
    expect(() => documentIn('schema: 3\nanything: goes\n')).toThrow('a newer x0t has written')
    try {
      documentIn('schema: 3\n')
    } catch (error) {
      expect(error).toMatchObject({ code: 'CONFIG_NEWER' })
    }
  })

  it('never throws but for its faults, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => void readDocument(text, 'f')),
    )
  })
})

describe('editing settings', () => {
  const section = fc.record(
    { level: fc.constantFrom('debug', 'info'), keep: fc.integer({ min: 2, max: 9 }) },
    { requiredKeys: [] },
  )
  const settings = fc.record(
    {
      log: section,
      peers: fc.array(fc.constantFrom('/ip4/1.2.3.4/tcp/1', '/dns/a/tcp/2')),
      announce: fc.constant('auto'),
    },
    { requiredKeys: [] },
  )

  it('makes a text that says exactly what was wanted, whatever it was before', () => {
    fc.assert(
      fc.property(settings, settings, (before, after) => {
        const text = Object.keys(before).length === 0 ? '# nothing\n' : `# mine\n${JSON.stringify(before)}\n`
        expect(parse(editSettings(text, before, after)) ?? {}).toEqual(after)
      }),
    )
  })
})
