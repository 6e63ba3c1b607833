import { showToast, useAction } from '../../state/action.ts'
import { useMay } from '../../state/line-store.ts'
import { consoleSessions } from '../../state/lists.ts'
import { useKnown } from '../../state/resource.ts'
import { useText } from '../../text/text.ts'
import { ActionButton } from '../../ui/controls.tsx'
import { WhenKnown } from '../../ui/known.tsx'
import { Notice, Panel } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { DataTable } from '../../ui/table.tsx'
import { Ago, Until } from '../../view/parts.tsx'

/** Who is signed in to this node's web console. */
export function SessionsPanel() {
  const may = useMay('admin')
  return may ? <Sessions /> : null
}

function Sessions() {
  const t = useText()
  const known = useKnown(consoleSessions)
  const { run, busy, problem } = useAction()
  return (
    <Panel title={t('sessions.title')} flush>
      {problem !== undefined && (
        <Notice tone="bad" label={t('tone.bad')} alert>
          <ProblemText problem={problem} />
        </Notice>
      )}
      <WhenKnown known={known}>
        {(items) => (
          <DataTable
            id="sessions"
            label={t('sessions.title')}
            rows={items}
            rowKey={({ id }) => id}
            empty={<p className="empty">{t('sessions.none')}</p>}
            columns={[
              {
                key: 'id',
                label: t('sessions.id'),
                value: ({ id }) => id,
                cell: ({ id }) => <span className="mono">{id}</span>,
              },
              {
                key: 'role',
                label: t('nodes.role'),
                value: ({ role }) => role,
                cell: ({ role }) => t(`role.${role}`),
              },
              {
                key: 'in',
                label: t('sessions.signedIn'),
                value: ({ signedInAt }) => signedInAt,
                cell: ({ signedInAt }) => <Ago at={signedInAt} />,
              },
              {
                key: 'seen',
                label: t('sessions.seen'),
                value: ({ seenAt }) => seenAt,
                cell: ({ seenAt }) => <Ago at={seenAt} />,
              },
              {
                key: 'ends',
                label: t('sessions.ends'),
                value: ({ expiresAt }) => expiresAt,
                cell: ({ expiresAt }) => <Until at={expiresAt} soonMs={0} />,
              },
              {
                key: 'actions',
                label: t('actions'),
                cell: ({ id }) => (
                  <ActionButton
                    variant="subtle"
                    busy={busy}
                    label={t('sessions.endNamed', { id })}
                    onClick={() =>
                      void run((client) => client.console.signOut({ id })).then(async (done) => {
                        if (done) showToast('good', t('sessions.ended'))
                        await consoleSessions.refresh()
                      })
                    }
                  >
                    {t('sessions.end')}
                  </ActionButton>
                ),
              },
            ]}
          />
        )}
      </WhenKnown>
    </Panel>
  )
}
