import { useState } from 'react'
import { ROLES, type Role } from '../../../node-core/domain/role.ts'
import { useAction } from '../../state/action.ts'
import { useText } from '../../text/text.ts'
import { ActionButton, Choice, CopyButton, Dialog, Toggle } from '../../ui/controls.tsx'
import { Facts, Notice } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { Until } from '../../view/parts.tsx'
import { QrPicture } from './qr-picture.tsx'

const HOUR_MS = 3_600_000
const LIFETIMES = [HOUR_MS, 24 * HOUR_MS, 7 * 24 * HOUR_MS] as const

interface Invite {
  readonly token: string
  readonly fingerprint: string
  readonly expiresAt: number
}

export function InviteButton() {
  const t = useText()
  const [open, setOpen] = useState(false)
  return (
    <>
      <ActionButton variant="filled" icon="plus" onClick={() => setOpen(true)}>
        {t('invite.open')}
      </ActionButton>
      {open && <InviteDialog onClose={() => setOpen(false)} />}
    </>
  )
}

function InviteDialog({ onClose }: { readonly onClose: () => void }) {
  const t = useText()
  const [invite, setInvite] = useState<Invite>()
  return (
    <Dialog title={t('invite.title')} onClose={onClose}>
      {invite === undefined ? <InviteForm onMade={setInvite} /> : <MadeInvite invite={invite} />}
    </Dialog>
  )
}

function InviteForm({ onMade }: { readonly onMade: (invite: Invite) => void }) {
  const t = useText()
  const [role, setRole] = useState<Role>('none')
  const [lifetime, setLifetime] = useState<number>(LIFETIMES[1])
  const [approve, setApprove] = useState(true)
  const { run, busy, problem } = useAction()
  return (
    <form
      className="stack stack-l"
      onSubmit={(event) => {
        event.preventDefault()
        void run(async (client) =>
          onMade(await client.invites.create({ role, expiresMs: lifetime, approve })),
        )
      }}
    >
      <div className="form-row">
        <Choice
          label={t('invite.role')}
          value={role}
          onChange={(value) => setRole(ROLES.find((name) => name === value) ?? 'none')}
          options={[...ROLES].reverse().map((value) => ({ value, label: t(`role.${value}`) }))}
        />
        <Choice
          label={t('invite.lifetime')}
          value={String(lifetime)}
          onChange={(value) => setLifetime(Number(value))}
          options={[
            { value: String(LIFETIMES[0]), label: t('invite.hour') },
            { value: String(LIFETIMES[1]), label: t('invite.day') },
            { value: String(LIFETIMES[2]), label: t('invite.week') },
          ]}
        />
      </div>
      <Toggle
        label={t('invite.approve')}
        hint={t('invite.approveHint')}
        checked={approve}
        onChange={setApprove}
      />
      {problem !== undefined && (
        <Notice tone="bad" label={t('tone.bad')} alert>
          <ProblemText problem={problem} />
        </Notice>
      )}
      <div className="form-end">
        <ActionButton type="submit" variant="filled" busy={busy}>
          {t('invite.make')}
        </ActionButton>
      </div>
    </form>
  )
}

function MadeInvite({ invite }: { readonly invite: Invite }) {
  const t = useText()
  const command = `x0t join ${invite.token}`
  return (
    <div className="stack stack-l">
      <p>{t('invite.howTo')}</p>
      <div className="invite">
        <QrPicture text={invite.token} label={t('invite.qr')} />
        <div className="stack">
          <code className="invite-token">{invite.token}</code>
          <div className="row">
            <CopyButton text={invite.token} label={t('invite.copyToken')} />
            <CopyButton text={command} label={t('invite.copyCommand')} />
          </div>
        </div>
      </div>
      <Facts
        items={[
          [
            t('invite.fingerprint'),
            <span key="f" className="mono">
              {invite.fingerprint}
            </span>,
          ],
          [t('invite.expires'), <Until key="e" at={invite.expiresAt} soonMs={0} />],
        ]}
      />
      <p className="quiet small">{t('invite.once')}</p>
    </div>
  )
}
