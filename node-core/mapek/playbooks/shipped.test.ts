import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SYMPTOMS } from '../symptoms/catalogue.ts'
import { parsePlaybook } from './parse-playbook.ts'
import { playbookJsonSchema } from './playbook-json-schema.ts'

const RESOURCES = resolve(import.meta.dirname, '../../../resources')
const FOLDER = resolve(RESOURCES, 'playbooks')
const FILES = readdirSync(FOLDER)
const read = (file: string) => parsePlaybook(readFileSync(resolve(FOLDER, file), 'utf8'), file)
const BOOKS = FILES.flatMap((file) => {
  const result = read(file)
  return result.ok ? [result.playbook] : []
})

describe('the playbooks that come with the program', () => {
  it.each(FILES)('%s can be read and is called like its file', (file) => {
    const result = read(file)
    expect(result.ok ? [] : result.problems).toEqual([])
    expect(result.ok && `${result.playbook.playbook}.yaml`).toBe(file)
  })

  it('answer to every symptom that there is, and to none that there is not', () => {
    const answered = new Set(BOOKS.flatMap(({ trigger }) => trigger.symptoms))
    expect([...answered].sort()).toEqual(Object.keys(SYMPTOMS).sort())
  })

  it('let nobody but a person take something away from a member', () => {
    for (const { playbook, steps, mode } of BOOKS) {
      const takes = steps.some((step) => step.do === 'quarantine-peer')
      expect([playbook, takes ? mode : 'ask']).toEqual([playbook, 'ask'])
    }
  })

  it('undo whatever leads traffic away', () => {
    for (const { steps } of BOOKS) {
      for (const step of steps)
        if (['reroute', 'drain-node', 'quarantine-peer'].includes(step.do)) expect(step.undo).toBeDefined()
    }
  })

  it('are described to editors by the schema that the program uses', () => {
    const published: unknown = JSON.parse(readFileSync(resolve(RESOURCES, 'playbook.schema.json'), 'utf8'))
    expect(published).toEqual(JSON.parse(JSON.stringify(playbookJsonSchema())))
  })
})
