import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { titleOf } from '../../node-core/mapek/analyze/wording.ts'
import { parsePlaybook } from '../../node-core/mapek/playbooks/parse-playbook.ts'
import { SYMPTOMS, type SymptomCode } from '../../node-core/mapek/symptoms/catalogue.ts'
import { en } from '../../renderer/text/en/en.ts'

const english = new Map<string, string>(Object.entries(en))
const isCode = (text: string): text is SymptomCode => text in SYMPTOMS

it.each(Object.keys(SYMPTOMS).filter(isCode))('tells of %s what the node tells of it', (code) => {
  const title = titleOf(code, { kind: 'mesh' }, String)
  expect(english.get(`title.${code}`)?.replace('{subject}', 'The mesh')).toBe(title)
  expect(english.get(`meaning.${code}`)).toBe(SYMPTOMS[code].meaning)
  expect(english.get(`remedy.${code}`)).toBe(SYMPTOMS[code].remedy)
})

it('calls each shipped playbook as its file does', () => {
  const folder = join(import.meta.dirname, '../../resources/playbooks')
  const names = readdirSync(folder).map((file) => {
    const read = parsePlaybook(readFileSync(join(folder, file), 'utf8'), file)
    if (!read.ok) throw new Error(read.problems.join('\n'))
    expect(english.get(`playbook.${read.playbook.playbook}`)).toBe(read.playbook.title)
    return `playbook.${read.playbook.playbook}`
  })
  expect([...english.keys()].filter((key) => key.startsWith('playbook.')).sort()).toEqual(names.sort())
})
