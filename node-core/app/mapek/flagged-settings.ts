import type { PlaybookSetting } from '../../domain/history.ts'
import type { PlaybookMode } from '../../domain/plan.ts'

/** Who is named as the one who set it. */
const BY_POLICY = 'the policy of the mesh'

/**
 * What is set for each playbook. While healing is not automatic, those that would act by themselves ask a person instead;
 * what was set for them stays as it is and counts again afterwards. Only then are the playbooks read: they come from files.
 */
export function flaggedSettings(
  settings: readonly PlaybookSetting[],
  playbooks: () => readonly { readonly playbook: string; readonly mode: PlaybookMode }[],
  isAutomatic: boolean,
): readonly PlaybookSetting[] {
  if (isAutomatic) return settings
  const known = new Map(settings.map((setting) => [setting.playbook, setting]))
  return playbooks().flatMap(({ playbook, mode }) => {
    const setting = known.get(playbook)
    if ((setting?.mode ?? mode) !== 'auto') return setting ?? []
    const changed = { changedBy: BY_POLICY, changedAt: setting?.changedAt ?? 0 }
    return { playbook, enabled: setting?.enabled ?? true, mode: 'ask' as const, ...changed }
  })
}
