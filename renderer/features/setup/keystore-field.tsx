import { useText } from '../../text/text.ts'
import { Choice, TextField } from '../../ui/controls.tsx'

export interface KeystoreChoice {
  readonly kind: 'keyfile' | 'passphrase'
  readonly passphrase: string
  readonly repeated: string
}

export const KEY_FILE: KeystoreChoice = { kind: 'keyfile', passphrase: '', repeated: '' }
const MIN_LENGTH = 8

/** What the node is to be given, or undefined while the choice is not complete. */
export function passphraseOf({ kind, passphrase, repeated }: KeystoreChoice): string | null | undefined {
  if (kind === 'keyfile') return null
  return passphrase.length >= MIN_LENGTH && passphrase === repeated ? passphrase : undefined
}

interface KeystoreFieldProps {
  readonly value: KeystoreChoice
  readonly onChange: (value: KeystoreChoice) => void
}

/** How the secrets of this node are kept. */
export function KeystoreField({ value, onChange }: KeystoreFieldProps) {
  const t = useText()
  const { kind, passphrase, repeated } = value
  return (
    <>
      <Choice
        label={t('setup.keystore')}
        hint={kind === 'keyfile' ? t('setup.keyfileHint') : t('setup.passphraseHint')}
        value={kind}
        onChange={(next) => onChange({ ...value, kind: next === 'passphrase' ? 'passphrase' : 'keyfile' })}
        options={[
          { value: 'keyfile', label: t('setup.keyfile') },
          { value: 'passphrase', label: t('setup.passphrase') },
        ]}
      />
      {kind === 'passphrase' && (
        <div className="form-row">
          <TextField
            label={t('setup.passphraseField')}
            type="password"
            value={passphrase}
            onChange={(next) => onChange({ ...value, passphrase: next })}
            error={passphrase !== '' && passphrase.length < MIN_LENGTH ? t('setup.tooShort') : undefined}
          />
          <TextField
            label={t('setup.repeat')}
            type="password"
            value={repeated}
            onChange={(next) => onChange({ ...value, repeated: next })}
            error={repeated !== '' && repeated !== passphrase ? t('setup.notSame') : undefined}
          />
        </div>
      )}
    </>
  )
}
