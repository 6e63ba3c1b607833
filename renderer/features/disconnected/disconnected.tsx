import { StateMark } from '../../ui/state-mark.tsx'

/** What the page says while it cannot reach a node: what is wrong, and what to do. */
export function Disconnected({ problem, hint }: { readonly problem: string; readonly hint: string }) {
  return (
    <section className="disconnected" role="alert">
      <p className="verdict">
        <StateMark tone="unknown" label="Not connected" /> {problem}
      </p>
      <p>{hint}</p>
      <p className="quiet">This page connects by itself as soon as it can.</p>
    </section>
  )
}
