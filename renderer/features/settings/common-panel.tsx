import { useState } from 'react'
import { useMay } from '../../state/line-store.ts'
import { configNow } from '../../state/lists.ts'
import { useKnown } from '../../state/resource.ts'
import { useText } from '../../text/text.ts'
import { ActionButton, TextField } from '../../ui/controls.tsx'
import { WhenKnown } from '../../ui/known.tsx'
import { Panel } from '../../ui/panel.tsx'
import { COMMON_SETTINGS, type CommonSetting, changedDocument, writtenValue } from './common-settings.ts'
import { ImportDialog } from './import-dialog.tsx'

/** What is kept for how long, what is promised, how long a person has: shown as a difference before it is applied. */
export function CommonPanel() {
  const t = useText()
  const may = useMay('owner')
  const known = useKnown(configNow)
  const [edits, setEdits] = useState<ReadonlyMap<CommonSetting, string>>(new Map())
  const [text, setText] = useState<string>()
  return (
    <Panel title={t('setting.title')}>
      <WhenKnown known={known}>
        {({ document, effective }) => {
          const changes = new Map([...edits].filter(([one, value]) => value !== writtenValue(effective, one)))
          return (
            <form
              className="stack stack-l"
              onSubmit={(event) => {
                event.preventDefault()
                setText(JSON.stringify(changedDocument(document, changes), null, 2))
              }}
            >
              <div className="setting-grid">
                {COMMON_SETTINGS.map((one) => (
                  <TextField
                    key={one.label}
                    label={t(one.label)}
                    hint={t(`setting.${one.kind}`)}
                    value={edits.get(one) ?? writtenValue(effective, one)}
                    disabled={!may}
                    onChange={(value) => setEdits(new Map([...edits, [one, value]]))}
                  />
                ))}
              </div>
              {may && (
                <div className="form-end">
                  <ActionButton type="submit" variant="filled" disabled={changes.size === 0}>
                    {t('setting.review')}
                  </ActionButton>
                </div>
              )}
            </form>
          )
        }}
      </WhenKnown>
      {text !== undefined && <ImportDialog text={text} onClose={() => setText(undefined)} />}
    </Panel>
  )
}
