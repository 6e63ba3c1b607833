import { useState } from 'react'
import { showToast, useAction } from '../../state/action.ts'
import { useIsLive, useMay } from '../../state/line-store.ts'
import { useSelf, useTopic } from '../../state/topic-store.ts'
import { useFormat } from '../../text/format.ts'
import { useText } from '../../text/text.ts'
import { ActionButton, Confirm, CopyButton, TextField } from '../../ui/controls.tsx'
import { Empty, Facts, Notice, PageHead, Panel } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { hrefOf } from '../../ui/route.ts'
import { Skeleton } from '../../ui/skeleton.tsx'
import { LinkTable } from '../../view/link-table.tsx'
import { Ago, MemberMark, ServiceMark, SeverityMark, Until } from '../../view/parts.tsx'
import type { Member } from '../../view/tones.ts'
import { EditMember } from './edit-member.tsx'
import { PathPanel } from './path-panel.tsx'
import { PingButton } from './ping.tsx'
import { SeriesPanel } from './series-panel.tsx'

/** One machine: how it is, how it is reached, what it offers, what can be done about it. */
export function NodePage({ name }: { readonly name: string }) {
  const t = useText()
  const members = useTopic('members')
  if (members === undefined) return <Skeleton lines={8} />
  const member = members.find((one) => one.name === name || one.peer === name)
  const back = (
    <p className="crumbs">
      <a href={hrefOf('nodes')}>{t('nav.nodes')}</a>
    </p>
  )
  if (member === undefined) {
    return (
      <>
        {back}
        <Empty icon="nodes" title={t('node.unknown', { name })} />
      </>
    )
  }
  return (
    <>
      <PageHead
        before={back}
        title={member.name}
        lead={
          <span className="row">
            <MemberMark member={member} />
            {member.self && <span className="tag tag-accent">{t('nodes.thisNode')}</span>}
          </span>
        }
        actions={<NodeActions member={member} />}
      />
      <div className="grid-even">
        <IdentityPanel member={member} />
        {member.self ? <HealthPanel /> : <PathPanel member={member} />}
      </div>
      <NodeLinks member={member} />
      <NodeServices member={member} />
      <SeriesPanel peer={member.peer} />
    </>
  )
}

function IdentityPanel({ member }: { readonly member: Member }) {
  const t = useText()
  return (
    <Panel title={t('node.identity')}>
      <Facts
        items={[
          [
            t('nodes.peerId'),
            <span key="id" className="row">
              <span className="mono">{member.peer}</span>
              <CopyButton text={member.peer} label={t('node.copyId')} />
            </span>,
          ],
          [t('nodes.role'), t(`role.${member.role}`)],
          [t('node.issuing'), member.issuing ? t('yes') : t('no')],
          [t('nodes.labels'), member.labels.length === 0 ? t('none') : member.labels.join(', ')],
          [t('nodes.version'), member.version ?? t('unknown')],
          [t('node.certificate'), <Until key="until" at={member.expiresAt} />],
          [t('nodes.seen'), member.self ? t('time.now') : <Ago key="seen" at={member.seenAt} />],
        ]}
      />
    </Panel>
  )
}

function HealthPanel() {
  const t = useText()
  const node = useSelf()
  return (
    <Panel title={t('node.health')}>
      {node === undefined ? (
        <Skeleton />
      ) : (
        <div className="stack">
          <Facts
            items={[
              [t('node.mesh'), node.mesh],
              [t('node.keystore'), t(`keystore.${node.keystore}`)],
              [t('node.started'), <Ago key="started" at={node.startedAt} />],
            ]}
          />
          {node.health.length === 0 ? (
            <p className="quiet">{t('node.noHealthItems')}</p>
          ) : (
            <ul className="stack">
              {node.health.map((item) => (
                <li key={item.code} className="row">
                  <SeverityMark severity={item.severity} />
                  <span className="grow">{item.title}</span>
                </li>
              ))}
            </ul>
          )}
        </div>
      )}
    </Panel>
  )
}

function NodeLinks({ member }: { readonly member: Member }) {
  const t = useText()
  const links = useTopic('links')
  if (links === undefined) return null
  const shown = member.self ? links : links.filter(({ peer }) => peer === member.peer)
  if (!member.self && shown.length === 0) return null
  return (
    <Panel title={member.self ? t('node.links') : t('node.linkToHere')} flush>
      <LinkTable id="node-links" links={shown} empty={<Empty icon="links" title={t('links.none')} />} />
    </Panel>
  )
}

function NodeServices({ member }: { readonly member: Member }) {
  const t = useText()
  const services = useTopic('services')?.filter(({ peer }) => peer === member.peer)
  return (
    <Panel title={t('nav.services')}>
      {services === undefined ? (
        <Skeleton />
      ) : services.length === 0 ? (
        <p className="quiet">{t('node.noServices')}</p>
      ) : (
        <ul className="stack">
          {services.map((service) => (
            <li key={service.name} className="row">
              <a href={hrefOf('services', undefined, { 'services.find': service.name })}>{service.name}</a>
              <ServiceMark state={service.state} />
              {service.detail !== null && <span className="quiet small">{service.detail}</span>}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}

function NodeActions({ member }: { readonly member: Member }) {
  const t = useText()
  const live = useIsLive()
  const mayRevoke = useMay('admin')
  const [asking, setAsking] = useState(false)
  const [editing, setEditing] = useState(false)
  return (
    <>
      {live && !member.self && member.standing === 'member' && <PingButton name={member.name} />}
      {mayRevoke && member.standing === 'member' && (
        <ActionButton icon="note" onClick={() => setEditing(true)}>
          {t('member.edit')}
        </ActionButton>
      )}
      {mayRevoke && !member.self && member.standing === 'member' && (
        <ActionButton variant="danger" onClick={() => setAsking(true)}>
          {t('revoke.open')}
        </ActionButton>
      )}
      {editing && <EditMember member={member} onClose={() => setEditing(false)} />}
      {asking && <RevokeDialog member={member} onClose={() => setAsking(false)} />}
    </>
  )
}

function RevokeDialog({ member, onClose }: { readonly member: Member; readonly onClose: () => void }) {
  const t = useText()
  const format = useFormat()
  const [reason, setReason] = useState('')
  const { run, busy, problem } = useAction()
  async function revoke(): Promise<void> {
    const done = await run(async (client) => {
      const { alsoRevoked } = await client.members.revoke({
        node: member.peer,
        ...(reason === '' ? {} : { reason }),
      })
      const more = alsoRevoked.length === 0 ? '' : t('revoke.also', { n: alsoRevoked.length })
      showToast('good', t('revoke.done', { name: member.name }), more)
    })
    if (done) onClose()
  }
  return (
    <Confirm
      title={t('revoke.title', { name: member.name })}
      action={t('revoke.do')}
      danger
      busy={busy}
      onConfirm={() => void revoke()}
      onClose={onClose}
    >
      <p>{t('revoke.final')}</p>
      <p className="quiet small">{t('revoke.until', { when: format.dateTime(member.expiresAt) })}</p>
      <TextField label={t('revoke.reason')} value={reason} onChange={setReason} />
      {problem !== undefined && (
        <Notice tone="bad" label={t('tone.bad')} alert>
          <ProblemText problem={problem} />
        </Notice>
      )}
    </Confirm>
  )
}
