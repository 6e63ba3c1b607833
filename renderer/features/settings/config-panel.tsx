import { useState } from 'react'
import { useAction } from '../../state/action.ts'
import { useMay } from '../../state/line-store.ts'
import { configHistory, configNow } from '../../state/lists.ts'
import { useKnown } from '../../state/resource.ts'
import { useFormat } from '../../text/format.ts'
import { codeKey, useText } from '../../text/text.ts'
import { ActionButton, FilePicker } from '../../ui/controls.tsx'
import { saveFile } from '../../ui/files.ts'
import { WhenKnown } from '../../ui/known.tsx'
import { Notice, Panel } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { DataTable } from '../../ui/table.tsx'
import { Ago } from '../../view/parts.tsx'
import { ImportDialog } from './import-dialog.tsx'
import { RollbackDialog } from './rollback-dialog.tsx'

/** The settings as a file: out, in after a look at what it changes, and back to any version before. */
export function ConfigPanel() {
  const t = useText()
  const may = useMay('owner')
  const [text, setText] = useState<string>()
  const { run, busy, problem } = useAction()
  const download = (format: 'yaml' | 'json'): void => {
    void run(async (client) => {
      const made = await client.config.export({ format, passphrase: null })
      saveFile(made.fileName, format === 'json' ? 'application/json' : 'application/yaml', made.text)
    })
  }
  return (
    <Panel
      title={t('config.title')}
      flush
      aside={
        may && (
          <div className="row">
            <ActionButton icon="download" busy={busy} onClick={() => download('yaml')}>
              {t('config.exportYaml')}
            </ActionButton>
            <ActionButton icon="download" busy={busy} onClick={() => download('json')}>
              {t('config.exportJson')}
            </ActionButton>
            <FilePicker
              label={t('config.import')}
              accept=".yaml,.yml,.json"
              onFile={(file) => void file.text().then(setText)}
            />
          </div>
        )
      }
    >
      {problem !== undefined && (
        <div className="panel-body">
          <Notice tone="bad" label={t('tone.bad')} alert>
            <ProblemText problem={problem} />
          </Notice>
        </div>
      )}
      <History may={may} />
      {text !== undefined && <ImportDialog text={text} onClose={() => setText(undefined)} />}
    </Panel>
  )
}

function History({ may }: { readonly may: boolean }) {
  const t = useText()
  const format = useFormat()
  const known = useKnown(configHistory)
  useKnown(configNow)
  const [back, setBack] = useState<number>()
  return (
    <WhenKnown known={known}>
      {(versions) => (
        <>
          <DataTable
            id="versions"
            label={t('config.history')}
            rows={versions}
            rowKey={({ version }) => String(version)}
            empty={<p className="empty">{t('config.noHistory')}</p>}
            columns={[
              {
                key: 'version',
                label: t('config.version'),
                value: ({ version }) => version,
                cell: ({ version, current }) => (
                  <span className="row">
                    {format.number(version)}
                    {current && <span className="tag tag-accent">{t('config.current')}</span>}
                  </span>
                ),
              },
              { key: 'at', label: t('config.at'), value: ({ at }) => at, cell: ({ at }) => <Ago at={at} /> },
              {
                key: 'actor',
                label: t('config.by'),
                value: ({ actor }) => actor,
                cell: ({ actor }) => <Actor actor={actor} />,
              },
              {
                key: 'action',
                label: t('config.action'),
                value: ({ action }) => action,
                cell: ({ action }) => <ActionText action={action} />,
              },
              {
                key: 'actions',
                label: t('actions'),
                cell: ({ version, current }) =>
                  may &&
                  !current && (
                    <ActionButton
                      variant="subtle"
                      icon="undo"
                      label={t('config.backTo', { version: String(version) })}
                      onClick={() => setBack(version)}
                    >
                      {t('config.back')}
                    </ActionButton>
                  ),
              },
            ]}
          />
          {back !== undefined && <RollbackDialog version={back} onClose={() => setBack(undefined)} />}
        </>
      )}
    </WhenKnown>
  )
}

/** A browser session, another member, the command line of this machine, or the file itself. */
function Actor({ actor }: { readonly actor: string }) {
  const t = useText()
  const key = codeKey('actor', actor)
  return key === undefined ? <span className="mono">{actor}</span> : t(key)
}

const ROLLBACK = /^rollback to (\d+)$/

function ActionText({ action }: { readonly action: string }) {
  const t = useText()
  const [, version] = ROLLBACK.exec(action) ?? []
  if (version !== undefined) return t('configAction.rollback', { version })
  const key = codeKey('configAction', action)
  return key === undefined || key === 'configAction.rollback' ? action : t(key)
}
