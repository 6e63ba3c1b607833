import { Disconnected } from '../features/disconnected/disconnected.tsx'
import { Overview } from '../features/overview/overview.tsx'
import { StateMark } from '../ui/state-mark.tsx'
import { useConsole } from './store.ts'

/** The one page there is: the verdict on the node of this machine, and its links. */
export function App() {
  const view = useConsole((state) => state.view)
  const nowMs = useConsole((state) => state.nowMs)
  switch (view.kind) {
    case 'connecting':
      return (
        <main className="page">
          <p className="verdict" role="status">
            <StateMark tone="unknown" label="Waiting" /> Asking the node of this machine.
          </p>
        </main>
      )
    case 'live':
      return (
        <main className="page">
          <Overview status={view.seen.status} ageMs={nowMs - view.seen.atMs} stale={false} />
        </main>
      )
    case 'lost':
      return (
        <main className="page">
          <Disconnected problem={view.problem} hint={view.hint} retries={true} />
          {view.seen !== undefined && (
            <Overview status={view.seen.status} ageMs={nowMs - view.seen.atMs} stale={true} />
          )}
        </main>
      )
    case 'no-line':
      return (
        <main className="page">
          <Disconnected
            problem="This page needs the desktop app."
            hint="Open it there, or ask the node in a terminal: x0t status"
            retries={false}
          />
        </main>
      )
  }
}
