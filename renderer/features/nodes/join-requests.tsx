import { showToast, useAction } from '../../state/action.ts'
import { useMay } from '../../state/line-store.ts'
import { joinRequests } from '../../state/lists.ts'
import { useKnown } from '../../state/resource.ts'
import { useText } from '../../text/text.ts'
import { ActionButton } from '../../ui/controls.tsx'
import { Notice, Panel } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { DataTable } from '../../ui/table.tsx'
import { Ago, Until } from '../../view/parts.tsx'

const SOON_MS = 5 * 60_000

/** Machines that wait for somebody to let them in; nothing where nobody waits. */
export function JoinRequests() {
  const t = useText()
  const { value = [] } = useKnown(joinRequests)
  const may = useMay('admin')
  const { run, busy, problem } = useAction()
  const waiting = value.filter(({ state }) => state === 'pending')
  if (waiting.length === 0) return null

  async function decide(id: (typeof waiting)[number]['id'], name: string, approve: boolean): Promise<void> {
    const done = await run((client) => (approve ? client.joins.approve({ id }) : client.joins.reject({ id })))
    await joinRequests.refresh()
    if (done) showToast('good', approve ? t('joins.approved', { name }) : t('joins.rejected', { name }))
  }

  return (
    <Panel title={t('joins.title')} flush>
      {problem !== undefined && (
        <div className="panel-body">
          <Notice tone="bad" label={t('tone.bad')} alert>
            <ProblemText problem={problem} />
          </Notice>
        </div>
      )}
      <DataTable
        id="joins"
        label={t('joins.title')}
        rows={waiting}
        rowKey={({ id }) => id}
        empty={null}
        columns={[
          { key: 'name', label: t('nodes.name'), value: ({ name }) => name, cell: ({ name }) => name },
          {
            key: 'peer',
            label: t('nodes.peerId'),
            value: ({ peer }) => peer,
            cell: ({ peer }) => <span className="mono">{peer}</span>,
          },
          {
            key: 'role',
            label: t('nodes.role'),
            value: ({ role }) => role,
            cell: ({ role }) => t(`role.${role}`),
          },
          {
            key: 'asked',
            label: t('joins.asked'),
            value: ({ requestedAt }) => requestedAt,
            cell: ({ requestedAt }) => <Ago at={requestedAt} />,
          },
          {
            key: 'expires',
            label: t('joins.expires'),
            value: ({ expiresAt }) => expiresAt,
            cell: ({ expiresAt }) => <Until at={expiresAt} soonMs={SOON_MS} />,
          },
          {
            key: 'actions',
            label: t('actions'),
            cell: ({ id, name }) => (
              <span className="row">
                <ActionButton
                  variant="filled"
                  icon="check"
                  busy={busy}
                  disabled={!may}
                  label={t('joins.approveNamed', { name })}
                  onClick={() => void decide(id, name, true)}
                >
                  {t('approve')}
                </ActionButton>
                <ActionButton
                  disabled={!may || busy}
                  label={t('joins.rejectNamed', { name })}
                  onClick={() => void decide(id, name, false)}
                >
                  {t('reject')}
                </ActionButton>
              </span>
            ),
          },
        ]}
      />
    </Panel>
  )
}
