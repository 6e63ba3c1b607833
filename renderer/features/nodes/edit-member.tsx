import { useState } from 'react'
import type { TopicItem } from '../../../node-core/contract/events-schemas.ts'
import { nodeNameSchema, roleSchema } from '../../../node-core/contract/schemas.ts'
import { ROLES } from '../../../node-core/domain/role.ts'
import { showToast, useAction } from '../../state/action.ts'
import { useText } from '../../text/text.ts'
import { Choice, Confirm, TextField } from '../../ui/controls.tsx'
import { Notice } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { hrefOf, navigate } from '../../ui/route.ts'

const ISSUING_DAYS = [0, 7, 30, 90] as const
const DAY_MS = 86_400_000

interface EditProps {
  readonly member: TopicItem<'members'>
  readonly onClose: () => void
}

/** Name, role and labels of a member, and whether it may issue: each is in its certificate, so it gets a new one. */
export function EditMember({ member, onClose }: EditProps) {
  const t = useText()
  const [name, setName] = useState<string>(member.name)
  const [role, setRole] = useState<string>(member.role)
  const [labels, setLabels] = useState(member.labels.join(', '))
  const [days, setDays] = useState('0')
  const { run, busy, problem } = useAction()
  const newName = nodeNameSchema.safeParse(name).data
  const newRole = roleSchema.safeParse(role).data
  const list = labels
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')

  async function save(): Promise<void> {
    if (newName === undefined || newRole === undefined) return
    const isSame = list.join() === member.labels.join()
    const done = await run(async (client) => {
      if (newName !== member.name || newRole !== member.role || !isSame) {
        await client.members.update({
          node: member.peer,
          name: newName === member.name ? null : newName,
          role: newRole === member.role ? null : newRole,
          labels: isSame ? null : list,
          transit: null,
        })
      }
      if (days !== '0') await client.members.grantIssuing({ node: member.peer, forMs: Number(days) * DAY_MS })
    })
    if (!done) return
    showToast('good', t('member.edited', { name: newName }))
    onClose()
    navigate(hrefOf('nodes', newName))
  }

  return (
    <Confirm
      title={t('member.editTitle', { name: member.name })}
      action={t('member.editDo')}
      busy={busy}
      disabled={newName === undefined}
      onConfirm={() => void save()}
      onClose={onClose}
    >
      <p className="quiet small">{t('member.editText')}</p>
      <TextField
        label={t('nodes.name')}
        value={name}
        onChange={setName}
        error={newName === undefined ? t('member.nameWrong') : undefined}
      />
      <Choice
        label={t('nodes.role')}
        value={role}
        onChange={setRole}
        options={ROLES.map((value) => ({ value, label: t(`role.${value}`) }))}
      />
      <TextField
        label={t('nodes.labels')}
        value={labels}
        onChange={setLabels}
        hint={t('member.labelsHint')}
      />
      <Choice
        label={t('node.issuing')}
        value={days}
        onChange={setDays}
        hint={t('member.issuingHint')}
        options={ISSUING_DAYS.map((value) => ({
          value: String(value),
          label: value === 0 ? t('member.issuingSame') : t('time.days', { n: value }),
        }))}
      />
      {problem !== undefined && (
        <Notice tone="bad" label={t('tone.bad')} alert>
          <ProblemText problem={problem} />
        </Notice>
      )}
    </Confirm>
  )
}
