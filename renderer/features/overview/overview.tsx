import type { NodeStatus } from '../../bridge/status.ts'
import { ageText } from '../../ui/age.ts'
import { StateMark, type Tone } from '../../ui/state-mark.tsx'
import { LinkTable } from './link-table.tsx'
import { verdictOf } from './verdict.ts'

const TONE_LABELS: Readonly<Record<Tone, string>> = {
  good: 'Healthy',
  attention: 'Needs attention',
  bad: 'Fault',
  unknown: 'Unknown',
}

const SEVERITY_TONES: Readonly<Record<NodeStatus['health'][number]['severity'], Tone>> = {
  info: 'unknown',
  warning: 'attention',
  critical: 'bad',
}

interface OverviewProps {
  readonly status: NodeStatus
  /** Age of the status. */
  readonly ageMs: number
  /** The node does not answer any more: what is shown is how it was. */
  readonly stale: boolean
}

/** The verdict with the age of its data, what is not well, and the links. */
export function Overview({ status, ageMs, stale }: OverviewProps) {
  const { tone, sentence } = verdictOf(status)
  return (
    <div className={stale ? 'stale' : undefined}>
      <header>
        <h1>{status.node.name}</h1>
        <p className="quiet">
          in mesh {status.node.mesh}, version {status.node.version}, keystore sealed by a{' '}
          {status.node.keystore === 'keyfile' ? 'key file' : 'passphrase'}
        </p>
      </header>
      <p className="verdict" role="status">
        <StateMark tone={stale ? 'unknown' : tone} label={stale ? 'As last seen' : TONE_LABELS[tone]} />{' '}
        {sentence}
      </p>
      <p className="quiet">
        {stale ? 'Last seen' : 'Read from the node'} {ageText(ageMs)}
      </p>
      {status.health.length > 0 && (
        <section aria-labelledby="health-heading">
          <h2 id="health-heading">What to know</h2>
          <ul className="health">
            {status.health.map((item) => (
              <li key={item.code}>
                <StateMark tone={SEVERITY_TONES[item.severity]} label={item.severity} /> {item.title}
              </li>
            ))}
          </ul>
        </section>
      )}
      <section aria-labelledby="links-heading">
        <h2 id="links-heading">Links</h2>
        {status.links.length === 0 ? (
          <p>
            No links yet. Invite another machine with <code>x0t invite</code>, or wait: the node keeps looking
            for its members.
          </p>
        ) : (
          <LinkTable links={status.links} stale={stale} />
        )}
      </section>
    </div>
  )
}
