import { useState } from 'react'
import type { TopicItem } from '../../../node-core/contract/events-schemas.ts'
import { nodeRefSchema, portSchema, serviceNameSchema } from '../../../node-core/contract/schemas.ts'
import { useAction } from '../../state/action.ts'
import { useTopic } from '../../state/topic-store.ts'
import { useText } from '../../text/text.ts'
import { ActionButton, Choice, CopyButton, Dialog, TextField } from '../../ui/controls.tsx'
import { Notice } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'

interface ForwardDialogProps {
  /** The one that was chosen in the table. */
  readonly service?: TopicItem<'services'>
  readonly onClose: () => void
}

/** Opens a port on this machine that leads to a service, wherever it is provided. */
export function ForwardDialog({ service, onClose }: ForwardDialogProps) {
  const t = useText()
  const services = useTopic('services') ?? []
  const names = [...new Set(services.map(({ name }) => name))].sort()
  const [name, setName] = useState<string>(service?.name ?? names[0] ?? '')
  const [node, setNode] = useState<string>(service?.node ?? '')
  const [port, setPort] = useState('')
  const [address, setAddress] = useState<string>()
  const { run, busy, problem } = useAction()
  const providers = services.filter((one) => one.name === name).map((one) => one.node)
  const parsedPort = port === '' ? { success: true, data: 0 as const } : portSchema.safeParse(Number(port))

  async function forward(): Promise<void> {
    const parsedName = serviceNameSchema.safeParse(name)
    const parsedNode = node === '' ? null : nodeRefSchema.safeParse(node).data
    if (!parsedName.success || parsedNode === undefined || parsedPort.data === undefined) return
    const wanted = parsedPort.data
    await run(async (client) => {
      const { forward: made } = await client.forwards.add({
        port: wanted,
        service: parsedName.data,
        node: parsedNode,
      })
      setAddress(`${made.host}:${made.port}`)
    })
  }

  if (address !== undefined) {
    return (
      <Dialog title={t('forward.title')} onClose={onClose}>
        <div className="stack stack-l">
          <p>{t('forward.made', { name })}</p>
          <div className="command">
            <code>{address}</code>
            <CopyButton text={address} label={t('forward.copyAddress')} />
          </div>
          <div className="form-end">
            <ActionButton variant="filled" onClick={onClose}>
              {t('close')}
            </ActionButton>
          </div>
        </div>
      </Dialog>
    )
  }
  return (
    <Dialog title={t('forward.title')} onClose={onClose}>
      {names.length === 0 ? (
        <p>{t('forward.nothing')}</p>
      ) : (
        <form
          className="stack stack-l"
          onSubmit={(event) => {
            event.preventDefault()
            void forward()
          }}
        >
          <div className="form-row">
            <Choice
              label={t('forward.service')}
              value={name}
              onChange={(value) => {
                setName(value)
                setNode('')
              }}
              options={names.map((value) => ({ value, label: value }))}
            />
            <Choice
              label={t('forward.node')}
              value={node}
              onChange={setNode}
              options={[
                { value: '', label: t('forward.anyNode') },
                ...providers.map((value) => ({ value, label: value })),
              ]}
            />
          </div>
          <TextField
            label={t('forward.port')}
            hint={t('forward.portHint')}
            type="number"
            value={port}
            onChange={setPort}
            error={parsedPort.success ? undefined : t('forward.portWrong')}
          />
          {problem !== undefined && (
            <Notice tone="bad" label={t('tone.bad')} alert>
              <ProblemText problem={problem} />
            </Notice>
          )}
          <div className="form-end">
            <ActionButton onClick={onClose}>{t('cancel')}</ActionButton>
            <ActionButton type="submit" variant="filled" busy={busy} disabled={!parsedPort.success}>
              {t('forward.do')}
            </ActionButton>
          </div>
        </form>
      )}
    </Dialog>
  )
}
