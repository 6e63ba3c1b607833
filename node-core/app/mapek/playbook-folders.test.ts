import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLogger } from '../../platform/logger.ts'
import { createPlaybookShelf } from './playbook-shelf.ts'

let root: string
let folder: string
let shipped: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'x0t-shelf-'))
  folder = join(root, 'playbooks')
  shipped = join(root, 'shipped')
  await mkdir(folder)
  await mkdir(shipped)
})

afterEach(() => rm(root, { recursive: true, force: true }))

const book = (name: string, title = 'Dial it again', more = ''): string =>
  [
    'x0t: 1',
    `playbook: ${name}`,
    'version: 1',
    `title: ${title}`,
    'about: A playbook of a test.',
    'trigger: { symptoms: [link-down] }',
    'risk: low',
    'steps: [{ id: dial, do: redial }]',
    more,
  ].join('\n')
const shelf = () => createPlaybookShelf({ logger: silentLogger }, { folder, shipped })

describe('the folders of playbooks', () => {
  it('has what came with the program, and what a person put into the home in place of it', async () => {
    await writeFile(join(shipped, 'a.yaml'), book('a', 'As it came'))
    await writeFile(join(shipped, 'b.yaml'), book('b', 'As it came'))
    await writeFile(join(folder, 'mine.yml'), book('b', 'As I want it'))
    await writeFile(join(folder, 'notes.txt'), 'no playbook')
    const { all, origin, problems } = shelf()
    expect(all().map(({ playbook, title }) => [playbook, title])).toEqual([
      ['a', 'As it came'],
      ['b', 'As I want it'],
    ])
    expect([origin('a'), origin('b'), origin('c')]).toEqual(['shipped', join(folder, 'mine.yml'), undefined])
    expect(problems()).toEqual([])
  })

  it('leaves out what is wrong, says where it is wrong, and keeps all others', async () => {
    await writeFile(join(folder, 'bad.yaml'), book('bad', 'Wrong', 'stepz: []'))
    await writeFile(join(folder, 'good.yaml'), book('good'))
    const { all, problems } = shelf()
    expect(all().map(({ playbook }) => playbook)).toEqual(['good'])
    expect(problems()).toEqual([expect.stringMatching(/bad\.yaml:9:8: .*stepz/)])
  })

  it('cannot name a program to run, nor an action that is none', async () => {
    const { all, problems } = shelf()
    await writeFile(join(folder, 'evil.yaml'), book('evil').replace('do: redial', 'do: "rm -rf /"'))
    await writeFile(
      join(folder, 'shell.yaml'),
      book('shell').replace('do: redial', 'do: run-command, run: /bin/sh'),
    )
    expect(all()).toEqual([])
    expect(problems()).toHaveLength(2)
  })

  it('is empty where there is no folder, and reads again when it is told to', async () => {
    await rm(folder, { recursive: true })
    const one = shelf()
    expect(one.all()).toEqual([])
    await mkdir(folder)
    await writeFile(join(folder, 'late.yaml'), book('late'))
    expect(one.all()).toEqual([])
    one.reload()
    expect(one.all().map(({ playbook }) => playbook)).toEqual(['late'])
  })
})
