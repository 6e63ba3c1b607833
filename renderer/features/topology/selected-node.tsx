import type { TopologyView } from '../../../node-core/contract/topology-schemas.ts'
import { traceTo } from '../../state/lists.ts'
import { useKnown } from '../../state/resource.ts'
import { useText } from '../../text/text.ts'
import { LinkButton } from '../../ui/controls.tsx'
import { WhenKnown } from '../../ui/known.tsx'
import { Facts } from '../../ui/panel.tsx'
import { hrefOf } from '../../ui/route.ts'
import { HopList } from '../../view/hop-list.tsx'
import { MemberMark } from '../../view/parts.tsx'
import type { Member } from '../../view/tones.ts'

interface SelectedNodeProps {
  readonly name: string | undefined
  readonly topology: TopologyView
  readonly members: readonly Member[]
}

/** The node that is selected on the map: how it is, and the way there and back. */
export function SelectedNode({ name, topology, members }: SelectedNodeProps) {
  const t = useText()
  const node = topology.nodes.find((one) => one.name === name)
  const member = members.find((one) => one.name === name)
  if (name === undefined) return <p className="quiet small">{t('topology.pick')}</p>
  if (node === undefined || member === undefined)
    return <p className="quiet small">{t('node.unknown', { name })}</p>
  const links = topology.links.filter(({ a, b }) => a === node.peer || b === node.peer).length
  return (
    <div className="stack">
      <div className="row row-apart">
        <h3>{name}</h3>
        <MemberMark member={member} />
      </div>
      <Facts
        items={[
          [t('nodes.role'), t(`role.${member.role}`)],
          [t('nav.links'), links],
          [t('nodes.hops'), member.hops ?? t('unknown')],
          [t('topology.transit'), node.transit ? t('yes') : t('no')],
        ]}
      />
      {!member.self && <Ways peer={node.peer} />}
      <div>
        <LinkButton href={hrefOf('nodes', name)} icon="arrow">
          {t('topology.openNode')}
        </LinkButton>
      </div>
    </div>
  )
}

function Ways({ peer }: { readonly peer: string }) {
  const t = useText()
  const trace = useKnown(traceTo(peer))
  return (
    <WhenKnown known={trace}>
      {({ forward, back, reached }) =>
        reached ? (
          <>
            <HopList title={t('path.forward')} hops={forward} />
            <HopList title={t('path.back')} hops={back} />
          </>
        ) : (
          <p>{t('path.none')}</p>
        )
      }
    </WhenKnown>
  )
}
