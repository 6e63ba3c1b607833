import type { NodeLink } from '../../bridge/status.ts'
import { StateMark, type Tone } from '../../ui/state-mark.tsx'
import { durationText, lossText, roundTripText, suiteText } from './link-text.ts'

const TONES: Readonly<Record<NodeLink['state'], Tone>> = {
  up: 'good',
  degraded: 'attention',
  suspect: 'attention',
  down: 'bad',
}

interface LinkTableProps {
  readonly links: readonly NodeLink[]
  /** Nobody knows how the links are now: no state is shown as if it still held. */
  readonly stale: boolean
}

/** One row for each link. Every figure says whether it is measured or estimated. */
export function LinkTable({ links, stale }: LinkTableProps) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">To</th>
          <th scope="col">State</th>
          <th scope="col">Round trip, measured</th>
          <th scope="col">Loss, estimated</th>
          <th scope="col">Key exchange and cipher</th>
        </tr>
      </thead>
      <tbody>
        {links.map((link) => (
          <tr key={link.peer}>
            <th scope="row" title={link.peer}>
              {link.name}
            </th>
            <td data-label="State">
              {stale ? (
                <StateMark tone="unknown" label={`was ${link.state}`} />
              ) : (
                <>
                  <StateMark tone={TONES[link.state]} label={link.state} />{' '}
                  <span className="quiet">for {durationText(link.sinceMs)}</span>
                </>
              )}
            </td>
            <td data-label="Round trip, measured">{roundTripText(link.rttMs)}</td>
            <td data-label="Loss, estimated">{lossText(link.lossEstimate)}</td>
            <td data-label="Key exchange and cipher">{suiteText(link.suite)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
