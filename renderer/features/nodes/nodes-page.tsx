import type { ReactNode } from 'react'
import { useMay } from '../../state/line-store.ts'
import { useTopic } from '../../state/topic-store.ts'
import { useText } from '../../text/text.ts'
import { Choice } from '../../ui/controls.tsx'
import { Empty, PageHead, Panel } from '../../ui/panel.tsx'
import { useFilter } from '../../ui/route.ts'
import { Skeleton } from '../../ui/skeleton.tsx'
import { type Column, DataTable } from '../../ui/table.tsx'
import { toneRank } from '../../ui/tones.ts'
import { Ago, MemberMark, NodeLink, Until } from '../../view/parts.tsx'
import { MEMBER_STATES, MEMBER_TONES, type Member, memberState } from '../../view/tones.ts'
import { InviteButton } from './invite.tsx'
import { JoinRequests } from './join-requests.tsx'
import { NodePage } from './node-page.tsx'

export function NodesPage({ id }: { readonly id: string | undefined }) {
  return id === undefined ? <NodeList /> : <NodePage name={id} />
}

function NodeList() {
  const t = useText()
  const members = useTopic('members')
  const mayInvite = useMay('admin')
  const [state, setState] = useFilter('state')
  const shown = members?.filter((member) => state === '' || memberState(member) === state)
  return (
    <>
      <PageHead title={t('nav.nodes')} lead={t('nodes.lead')} actions={mayInvite && <InviteButton />} />
      <JoinRequests />
      <Panel title={t('nodes.members')} flush>
        {shown === undefined ? (
          <div className="panel-body">
            <Skeleton lines={5} />
          </div>
        ) : (
          <MemberTable
            members={shown}
            tools={
              <Choice
                label={t('nodes.filterState')}
                hideLabel
                value={state}
                onChange={setState}
                options={[
                  { value: '', label: t('nodes.allStates') },
                  ...MEMBER_STATES.map((value) => ({ value, label: t(`member.${value}`) })),
                ]}
              />
            }
          />
        )}
      </Panel>
    </>
  )
}

interface MemberTableProps {
  readonly members: readonly Member[]
  readonly tools: ReactNode
}

function MemberTable({ members, tools }: MemberTableProps) {
  const t = useText()
  const columns: readonly Column<Member>[] = [
    {
      key: 'name',
      label: t('nodes.name'),
      value: ({ name }) => name,
      cell: ({ name, self }) => (
        <>
          <NodeLink name={name} /> {self && <span className="tag tag-accent">{t('nodes.thisNode')}</span>}
        </>
      ),
    },
    {
      key: 'state',
      label: t('state'),
      value: (member) => toneRank(MEMBER_TONES[memberState(member)]),
      cell: (member) => <MemberMark member={member} />,
    },
    { key: 'role', label: t('nodes.role'), value: ({ role }) => role, cell: ({ role }) => t(`role.${role}`) },
    {
      key: 'hops',
      label: t('nodes.hops'),
      end: true,
      value: ({ hops }) => hops,
      cell: ({ hops }) => hops ?? t('unknown'),
    },
    {
      key: 'labels',
      label: t('nodes.labels'),
      value: ({ labels }) => labels.join(' '),
      cell: ({ labels }) =>
        labels.length === 0 ? (
          <span className="quiet">{t('none')}</span>
        ) : (
          <span className="row">
            {labels.map((label) => (
              <span key={label} className="tag">
                {label}
              </span>
            ))}
          </span>
        ),
    },
    {
      key: 'version',
      label: t('nodes.version'),
      value: ({ version }) => version,
      cell: ({ version }) => version ?? t('unknown'),
    },
    {
      key: 'expires',
      label: t('nodes.expires'),
      value: ({ expiresAt }) => expiresAt,
      cell: ({ expiresAt }) => <Until at={expiresAt} />,
    },
    {
      key: 'seen',
      label: t('nodes.seen'),
      value: ({ seenAt }) => (seenAt === null ? null : -seenAt),
      cell: ({ seenAt, self }) => (self ? t('time.now') : <Ago at={seenAt} />),
    },
  ]
  return (
    <DataTable
      id="nodes"
      label={t('nodes.members')}
      rows={members}
      columns={columns}
      rowKey={({ peer }) => peer}
      sortBy="name"
      searchable
      tools={tools}
      empty={<Empty icon="nodes" title={t('nodes.none')} />}
    />
  )
}
