import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { silentLogger } from '../../platform/logger.ts'
import { createPlaybookShelf, type PlaybookShelf } from './playbook-shelf.ts'

let root: string
let folder: string
let shelf: PlaybookShelf

const text = (version: number, title = 'Dial again'): string => `x0t: 1
playbook: redial
version: ${version}
title: ${title}
about: Dials the other end of a link that is down.
trigger: { symptoms: [link-down] }
risk: low
steps: [{ id: redial, do: redial, on: ends }]
`

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'x0t-shelf-'))
  folder = join(root, 'playbooks')
  const shipped = join(root, 'shipped')
  mkdirSync(shipped)
  writeFileSync(join(shipped, 'redial.yaml'), text(2))
  shelf = createPlaybookShelf({ logger: silentLogger }, { folder, shipped })
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

it('keeps one of a person in place of the shipped one, readable by its user alone, and gives it up again', () => {
  expect(shelf.origin('redial')).toBe('shipped')
  shelf.save(text(3, 'Mine'))
  const file = join(folder, 'redial.yaml')
  expect([shelf.origin('redial'), shelf.document('redial')]).toEqual([file, text(3, 'Mine')])
  expect(shelf.all().map(({ title }) => title)).toEqual(['Mine'])
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(shelf.remove('redial')).toBe(true)
  expect([existsSync(file), shelf.origin('redial'), shelf.remove('redial')]).toEqual([
    false,
    'shipped',
    false,
  ])
})

it('refuses a version that is not above the one that is there, and changes nothing then', () => {
  shelf.save(text(3))
  for (const version of [1, 3]) {
    expect(() => shelf.save(text(version, 'Late'))).toThrow(/version 3 of 'redial' is there already/)
  }
  expect(readFileSync(join(folder, 'redial.yaml'), 'utf8')).toBe(text(3))
})

it('refuses what is no playbook, and says where it is wrong', () => {
  expect(() => shelf.save(text(3).replace('risk: low', 'risk: none'))).toThrow(/playbook:7:\d+: risk/)
  expect(existsSync(folder)).toBe(false)
})

it('writes into the file that has it, whatever that file is called', () => {
  mkdirSync(folder)
  const file = join(folder, 'by-hand.yml')
  writeFileSync(file, text(5))
  shelf.reload()
  shelf.save(text(6))
  expect(readFileSync(file, 'utf8')).toBe(text(6))
  expect(existsSync(join(folder, 'redial.yaml'))).toBe(false)
})

it('parses a file again when it changed, and no other', () => {
  shelf.save(text(3, 'Mine'))
  mkdirSync(folder, { recursive: true })
  const other = join(folder, 'other.yaml')
  writeFileSync(other, text(1, 'Other').replace('playbook: redial', 'playbook: other'))
  shelf.reload()
  const [mine, before] = shelf.all()
  expect([mine?.title, before?.title]).toEqual(['Mine', 'Other'])
  shelf.reload()
  // The very same objects: nothing was parsed.
  expect(shelf.all()[0]).toBe(mine)
  writeFileSync(other, text(1, 'Changed').replace('playbook: redial', 'playbook: other'))
  shelf.reload()
  expect(shelf.all()[0]).toBe(mine)
  expect(shelf.all()[1]?.title).toBe('Changed')
  rmSync(other)
  shelf.reload()
  expect(shelf.all()).toEqual([mine])
})
