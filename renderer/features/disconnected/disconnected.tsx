import { StateMark } from '../../ui/state-mark.tsx'

interface DisconnectedProps {
  readonly problem: string
  /** What to do. */
  readonly hint: string
  /** The page keeps trying and connects as soon as it can. */
  readonly retries: boolean
}

/** What the page says while it cannot reach a node: what is wrong, and what to do. */
export function Disconnected({ problem, hint, retries }: DisconnectedProps) {
  return (
    <section className="disconnected" role="alert">
      <p className="verdict">
        <StateMark tone="unknown" label="Not connected" /> {problem}
      </p>
      <p>{hint}</p>
      {retries && <p className="quiet">This page connects by itself as soon as it can.</p>}
    </section>
  )
}
