import { expect, it } from 'vitest'
import type { PlaybookSetting } from '../../domain/history.ts'
import { flaggedSettings } from './flagged-settings.ts'

const setting = (playbook: string, mode: PlaybookSetting['mode'], enabled = true): PlaybookSetting => ({
  ...{ playbook, mode, enabled, changedBy: 'anna', changedAt: 7 },
})
const PLAYBOOKS = [
  { playbook: 'by-itself', mode: 'auto' as const },
  { playbook: 'asks', mode: 'ask' as const },
  { playbook: 'watches', mode: 'observe' as const },
]

it('leaves everything as it was set while healing is automatic', () => {
  const settings = [setting('asks', 'auto')]
  expect(flaggedSettings(settings, () => PLAYBOOKS, true)).toBe(settings)
})

it('makes what would act by itself ask, and nothing act that did not', () => {
  const off = (settings: readonly PlaybookSetting[]) =>
    Object.fromEntries(
      flaggedSettings(settings, () => PLAYBOOKS, false).map(({ playbook, mode }) => [playbook, mode]),
    )
  expect(off([])).toEqual({ 'by-itself': 'ask' })
  expect(off([setting('asks', 'auto'), setting('by-itself', 'observe')])).toEqual({
    'by-itself': 'observe',
    asks: 'ask',
  })
  expect(flaggedSettings([setting('by-itself', undefined, false)], () => PLAYBOOKS, false)).toEqual([
    { playbook: 'by-itself', enabled: false, mode: 'ask', changedBy: 'the policy of the mesh', changedAt: 7 },
  ])
})
