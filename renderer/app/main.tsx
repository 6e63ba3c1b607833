import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { openNodeLine } from '../bridge/node-line.ts'
import { browserWait, watchNode } from '../bridge/watch.ts'
import '../ui/theme.css'
import { App } from './app.tsx'
import { useConsole } from './store.ts'

const TICK_MS = 1_000

const root = document.getElementById('root')
if (root === null) throw new Error('the page has no root element')
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)

// The page lives as long as its window: the watch and the tick end with it.
const { hear, tick } = useConsole.getState()
setInterval(tick, TICK_MS)
void watchNode(
  { open: (signal) => openNodeLine(window, signal), wait: browserWait, onReading: hear },
  new AbortController().signal,
)
