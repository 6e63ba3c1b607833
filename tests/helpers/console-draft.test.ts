import { expect, it } from 'vitest'
import { parsePlaybook } from '../../node-core/mapek/playbooks/parse-playbook.ts'
import { nextDraft, TEMPLATE } from '../../renderer/features/playbooks/draft.ts'

it('begins a new playbook with one that the node takes', () => {
  expect(parsePlaybook(TEMPLATE, 'template')).toMatchObject({ ok: true, playbook: { version: 1 } })
})

it('begins a change one version on, and touches nothing else', () => {
  expect(nextDraft(TEMPLATE)).toBe(TEMPLATE.replace('version: 1', 'version: 2'))
  expect(nextDraft('x0t: 1\nversion: 9 \nabout: version 9')).toBe('x0t: 1\nversion: 10\nabout: version 9')
  expect(nextDraft('no such line')).toBe('no such line')
})
