import { useState } from 'react'
import { useMay } from '../../state/line-store.ts'
import { useText } from '../../text/text.ts'
import { ActionButton } from '../../ui/controls.tsx'
import { PageHead } from '../../ui/panel.tsx'
import { ExposeDialog } from './expose-dialog.tsx'
import { FlowPanel } from './flow-panel.tsx'
import { ForwardDialog } from './forward-dialog.tsx'
import { ForwardPanel, SocksPanel } from './port-panels.tsx'
import { ServicePanel } from './service-panel.tsx'

type Asked = 'expose' | 'forward' | undefined

/** What is offered in the mesh, and the local ports that lead to it. */
export function ServicesPage() {
  const t = useText()
  const may = useMay('operator')
  const [asked, setAsked] = useState<Asked>()
  const close = (): void => setAsked(undefined)
  return (
    <>
      <PageHead
        title={t('nav.services')}
        lead={t('services.lead')}
        actions={
          may && (
            <>
              <ActionButton icon="plus" onClick={() => setAsked('expose')}>
                {t('expose.open')}
              </ActionButton>
              <ActionButton variant="filled" icon="plug" onClick={() => setAsked('forward')}>
                {t('forward.open')}
              </ActionButton>
            </>
          )
        }
      />
      <ServicePanel />
      <ForwardPanel />
      <SocksPanel />
      <FlowPanel />
      {asked === 'expose' && <ExposeDialog onClose={close} />}
      {asked === 'forward' && <ForwardDialog onClose={close} />}
    </>
  )
}
