import { useText } from '../../text/text.ts'
import { PageHead, Panel } from '../../ui/panel.tsx'
import { CommonPanel } from './common-panel.tsx'
import { ConfigPanel } from './config-panel.tsx'
import { LookPanel } from './look-panel.tsx'
import { SessionsPanel } from './sessions-panel.tsx'
import './settings.css'

export function SettingsPage() {
  const t = useText()
  return (
    <>
      <PageHead title={t('nav.settings')} lead={t('settings.lead')} />
      <Panel title={t('settings.look')}>
        <LookPanel />
      </Panel>
      <CommonPanel />
      <ConfigPanel />
      <SessionsPanel />
    </>
  )
}
