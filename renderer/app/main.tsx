import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { createDesktopBridge } from '../bridge/desktop-bridge.ts'
import type { Bridge } from '../bridge/line.ts'
import { createWebBridge, secretIn } from '../bridge/web-bridge.ts'
import { browserWait, keepConnected } from '../state/connection.ts'
import { startTicking } from '../state/now.ts'
import { preferredLanguage, setLanguage } from '../text/text.ts'
import './styles.ts'
import { App } from './app.tsx'
import { BridgeContext } from './bridge-context.ts'
import { allowOwnWorkers, takeAddress } from './prepare.ts'

function webBridge(): Bridge {
  return createWebBridge({
    origin: window.location.origin,
    sessionStorage: window.sessionStorage,
    fetch: (input, init) => window.fetch(input, init),
    openSocket: (address) => new WebSocket(address),
  })
}

/** A sign-in link carries its secret in the fragment: it is taken out of the address before anything else happens. */
async function followSignInLink(bridge: Bridge): Promise<void> {
  const secret = secretIn(window.location.hash)
  if (secret === undefined || bridge.signIn === undefined) return
  window.history.replaceState(null, '', takeAddress(window.localStorage, Date.now()) || '#/overview')
  await bridge.signIn(secret)
}

async function start(): Promise<void> {
  const root = document.getElementById('root')
  if (root === null) throw new Error('the page has no root element')
  allowOwnWorkers(window)
  const bridge = createDesktopBridge(window) ?? webBridge()
  await Promise.all([
    followSignInLink(bridge),
    setLanguage(preferredLanguage(window.localStorage, navigator.languages)),
  ])
  startTicking()
  createRoot(root).render(
    <StrictMode>
      <BridgeContext value={bridge}>
        <App />
      </BridgeContext>
    </StrictMode>,
  )
  // The page lives as long as its window: the line ends with it.
  await keepConnected({ bridge, wait: browserWait, now: Date.now }, new AbortController().signal)
}

void start()
