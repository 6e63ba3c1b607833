import type { TopicItem } from '../../../node-core/contract/events-schemas.ts'
import { healStatus, openIncidents } from '../../state/heal.ts'
import { useIsLive } from '../../state/line-store.ts'
import { useKnown } from '../../state/resource.ts'
import { useTopic } from '../../state/topic-store.ts'
import { hybridSuite, useFormat } from '../../text/format.ts'
import { useText } from '../../text/text.ts'
import { Icon, type IconName } from '../../ui/icon.tsx'
import { hrefOf } from '../../ui/route.ts'
import { StateMark } from '../../ui/state-mark.tsx'
import type { Tone } from '../../ui/tones.ts'
import { LINK_TONES, MEMBER_TONES, memberState } from '../../view/tones.ts'

/** One number each; a warning only where there is one to give. */
export function Cards() {
  const t = useText()
  const members = useTopic('members')
  const links = useTopic('links')
  const services = useTopic('services')
  const { value: incidents } = useKnown(openIncidents)
  const waiting = useKnown(healStatus).value?.waiting
  return (
    <ul className="cards">
      <Card
        icon="nodes"
        title={t('nav.nodes')}
        href={hrefOf('nodes')}
        count={members?.filter(({ standing }) => standing === 'member').length}
        bad={members?.filter((member) => MEMBER_TONES[memberState(member)] === 'bad').length}
        tone="bad"
        word={t('cards.unreachable')}
        worst={hrefOf('nodes', undefined, { state: 'unreachable' })}
      />
      <Card
        icon="links"
        title={t('nav.links')}
        href={hrefOf('links')}
        count={links?.length}
        bad={links?.filter(({ state }) => state !== 'up').length}
        tone={links?.some(({ state }) => LINK_TONES[state] === 'bad') === true ? 'bad' : 'attention'}
        word={t('cards.notWell')}
        worst={hrefOf('links', undefined, { 'links.sort': 'state' })}
      />
      <Card
        icon="services"
        title={t('nav.services')}
        href={hrefOf('services')}
        count={services?.length}
        bad={services?.filter(({ state }) => state === 'unhealthy').length}
        tone="bad"
        word={t('cards.unhealthy')}
        worst={hrefOf('services', undefined, { 'services.sort': 'state' })}
      />
      <Card
        icon="incidents"
        title={t('nav.incidents')}
        href={hrefOf('incidents')}
        count={incidents?.length}
        bad={incidents?.filter(({ severity }) => severity === 'critical').length}
        tone="bad"
        word={t('cards.critical')}
        worst={hrefOf('incidents', undefined, { severity: 'critical' })}
      />
      <Card
        icon="check"
        title={t('cards.approvals')}
        href={hrefOf('incidents')}
        count={waiting?.length}
        bad={waiting?.length}
        tone="attention"
        word={t('cards.waitForYou')}
        worst={waiting?.[0] === undefined ? hrefOf('incidents') : hrefOf('incidents', waiting[0].incident)}
      />
      <QuantumCard links={links} />
    </ul>
  )
}

interface CardProps {
  readonly icon: IconName
  readonly title: string
  readonly href: string
  readonly count: number | undefined
  readonly bad: number | undefined
  readonly tone: Tone
  readonly word: string
  /** Where the worst of them stand first. */
  readonly worst: string
}

function Card({ icon, title, href, count, bad = 0, tone, word, worst }: CardProps) {
  const t = useText()
  const format = useFormat()
  const live = useIsLive()
  return (
    <li className="card">
      <a className="card-title" href={href}>
        <Icon name={icon} size={16} />
        {title}
      </a>
      <span className="card-count">{format.number(count ?? null)}</span>
      {bad > 0 ? (
        <a href={worst} className="card-warning">
          <StateMark tone={live ? tone : 'unknown'} label={`${format.number(bad)} ${word}`} />
        </a>
      ) : (
        <span className="quiet small">{count === undefined ? t('loading') : t('cards.noTrouble')}</span>
      )}
    </li>
  )
}

/** How many of the links are protected against a quantum computer: shown for each connection, never assumed. */
function QuantumCard({ links }: { readonly links: readonly TopicItem<'links'>[] | undefined }) {
  const t = useText()
  const format = useFormat()
  const live = useIsLive()
  const connected = links?.filter(({ suite }) => suite !== null)
  const covered =
    connected?.filter(({ suite }) => suite !== null && hybridSuite(suite) !== undefined).length ?? 0
  const all = connected?.length ?? 0
  const whole = covered === all
  return (
    <li className="card">
      <a className="card-title" href={hrefOf('links', undefined, { 'links.sort': 'suite' })}>
        <Icon name="shield" size={16} />
        {t('cards.quantum')}
      </a>
      <span className="card-count">{all === 0 ? t('cards.noLinks') : format.share(covered / all)}</span>
      {all > 0 && !whole ? (
        <StateMark tone={live ? 'bad' : 'unknown'} label={t('cards.classical', { n: all - covered })} />
      ) : (
        <span className="quiet small">
          {all === 0 ? t('cards.quantumNone') : t('cards.quantumAll', { n: covered })}
        </span>
      )}
    </li>
  )
}
