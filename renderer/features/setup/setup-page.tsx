import { useState } from 'react'
import type { SetupState } from '../../state/line-store.ts'
import { useText } from '../../text/text.ts'
import { Icon, type IconName } from '../../ui/icon.tsx'
import { LanguageChoice, ThemeChoice } from '../../view/choices.tsx'
import { CreateForm } from './create-form.tsx'
import { JoinForm } from './join-form.tsx'
import { LabForm } from './lab-form.tsx'
import './setup.css'

type Way = 'create' | 'join' | 'lab'

/** For a machine that belongs to no mesh yet: what it shall become, then what that takes. */
export function SetupPage({ setup }: { readonly setup: SetupState }) {
  const t = useText()
  const [way, setWay] = useState<Way>()
  const back = (): void => setWay(undefined)
  return (
    <main className="setup" id="main">
      <div className="setup-card stack stack-l">
        <p className="tiny quiet">{t('setup.step', { step: way === undefined ? 1 : 2 })}</p>
        {way === undefined && <Ways onChoose={setWay} />}
        {way === 'create' && <CreateForm setup={setup} onBack={back} />}
        {way === 'join' && <JoinForm setup={setup} onBack={back} />}
        {way === 'lab' && <LabForm onBack={back} />}
        <p className="tiny quiet">{t('setup.home', { home: setup.home })}</p>
      </div>
      <div className="row setup-foot">
        <ThemeChoice />
        <LanguageChoice />
      </div>
    </main>
  )
}

function Ways({ onChoose }: { readonly onChoose: (way: Way) => void }) {
  const t = useText()
  return (
    <>
      <div>
        <h1>{t('setup.title')}</h1>
        <p className="quiet">{t('setup.lead')}</p>
      </div>
      <ul className="stack">
        <WayItem
          icon="plus"
          title={t('setup.create')}
          text={t('setup.createText')}
          onClick={() => onChoose('create')}
        />
        <WayItem
          icon="plug"
          title={t('setup.join')}
          text={t('setup.joinText')}
          onClick={() => onChoose('join')}
        />
        <WayItem
          icon="topology"
          title={t('setup.lab')}
          text={t('setup.labText')}
          onClick={() => onChoose('lab')}
        />
      </ul>
    </>
  )
}

interface WayItemProps {
  readonly icon: IconName
  readonly title: string
  readonly text: string
  readonly onClick: () => void
}

function WayItem({ icon, title, text, onClick }: WayItemProps) {
  return (
    <li>
      <button type="button" className="way" onClick={onClick}>
        <Icon name={icon} size={20} />
        <span className="grow">
          <span className="strong">{title}</span>
          <span className="quiet small">{text}</span>
        </span>
        <Icon name="right" size={16} />
      </button>
    </li>
  )
}
