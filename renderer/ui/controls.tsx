import {
  Button,
  type ButtonProps,
  CloseButton,
  FileButton,
  Modal,
  NativeSelect,
  Switch,
  Textarea,
  TextInput,
} from '@mantine/core'
import { type ReactNode, useEffect, useState } from 'react'
import { useText } from '../text/text.ts'
import { Icon, type IconName } from './icon.tsx'

/*
 * The parts of Mantine that the console uses, each behind a small component of ours: sizes, looks and rules of access
 * are decided here once.
 */

interface ActionButtonProps {
  readonly children: ReactNode
  readonly icon?: IconName
  readonly variant?: 'filled' | 'default' | 'subtle' | 'danger'
  readonly type?: 'button' | 'submit'
  readonly busy?: boolean
  readonly disabled?: boolean
  /** For those who do not see what stands around it: which of many the button acts on. */
  readonly label?: string
  readonly onClick?: () => void
}

export function ActionButton(props: ActionButtonProps) {
  const { children, icon, variant = 'default', type = 'button', busy = false, disabled = false } = props
  const look: Pick<ButtonProps, 'variant' | 'leftSection'> = {
    variant: variant === 'danger' ? 'default' : variant,
    leftSection: icon === undefined ? undefined : <Icon name={icon} size={15} />,
  }
  return (
    <Button
      {...look}
      type={type}
      size="compact-sm"
      className={`button button-${variant}`}
      aria-label={props.label}
      loading={busy}
      disabled={disabled}
      onClick={props.onClick}
    >
      {children}
    </Button>
  )
}

/** A link that looks like a button. */
export function LinkButton(props: {
  readonly href: string
  readonly icon?: IconName
  readonly children: ReactNode
}) {
  return (
    <a className="link-button" href={props.href}>
      {props.icon !== undefined && <Icon name={props.icon} size={15} />}
      {props.children}
    </a>
  )
}

interface FieldProps {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly hint?: string
  readonly error?: string | undefined
  readonly required?: boolean
  readonly disabled?: boolean
  readonly hideLabel?: boolean
}

const fieldLook = ({ label, hint, error, required, disabled, hideLabel }: FieldProps) => ({
  ...(hideLabel === true ? { 'aria-label': label } : { label }),
  description: hint,
  error,
  disabled: disabled === true,
  required: required === true,
  withAsterisk: false,
})

interface TextFieldProps extends FieldProps {
  readonly type?: 'text' | 'search' | 'number' | 'password'
  readonly icon?: IconName
  readonly placeholder?: string
  readonly mono?: boolean
}

export function TextField(props: TextFieldProps) {
  return (
    <TextInput
      {...fieldLook(props)}
      className={`field${props.mono === true ? ' field-mono' : ''}`}
      size="sm"
      type={props.type ?? 'text'}
      value={props.value}
      placeholder={props.placeholder ?? (props.hideLabel === true ? props.label : undefined)}
      leftSection={props.icon === undefined ? undefined : <Icon name={props.icon} size={15} />}
      autoComplete="off"
      onChange={(event) => props.onChange(event.currentTarget.value)}
    />
  )
}

export function TextArea(props: FieldProps & { readonly rows?: number; readonly mono?: boolean }) {
  return (
    <Textarea
      {...fieldLook(props)}
      className={`field${props.mono === true ? ' field-mono' : ''}`}
      size="sm"
      rows={props.rows ?? 3}
      value={props.value}
      spellCheck={props.mono !== true}
      onChange={(event) => props.onChange(event.currentTarget.value)}
    />
  )
}

interface FilePickerProps {
  readonly label: string
  readonly accept: string
  readonly onFile: (file: File) => void
}

/** Opens the system's choice of a file. */
export function FilePicker({ label, accept, onFile }: FilePickerProps) {
  return (
    <FileButton
      accept={accept}
      onChange={(file) => {
        if (file !== null) onFile(file)
      }}
      inputProps={{ 'aria-label': label }}
    >
      {({ onClick }) => (
        <ActionButton icon="upload" onClick={onClick}>
          {label}
        </ActionButton>
      )}
    </FileButton>
  )
}

interface ChoiceProps extends FieldProps {
  readonly options: readonly { readonly value: string; readonly label: string }[]
}

export function Choice(props: ChoiceProps) {
  return (
    <NativeSelect
      {...fieldLook(props)}
      className="field"
      size="sm"
      value={props.value}
      data={[...props.options]}
      rightSection={<Icon name="down" size={14} />}
      onChange={(event) => props.onChange(event.currentTarget.value)}
    />
  )
}

export function Toggle(props: {
  readonly label: string
  readonly checked: boolean
  readonly onChange: (checked: boolean) => void
  readonly hint?: string
  readonly disabled?: boolean
}) {
  return (
    <Switch
      className="field"
      size="sm"
      label={props.label}
      description={props.hint}
      checked={props.checked}
      disabled={props.disabled === true}
      onChange={(event) => props.onChange(event.currentTarget.checked)}
    />
  )
}

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly wide?: boolean
  readonly children: ReactNode
}

/** Over the page: takes the focus, gives it back, closes with Escape. */
export function Dialog({ title, onClose, wide = false, children }: DialogProps) {
  const t = useText()
  return (
    <Modal
      opened
      onClose={onClose}
      title={title}
      size={wide ? 860 : 480}
      // Locking the scroll would add a style element, which the content security policy drops.
      lockScroll={false}
      transitionProps={{ duration: 0 }}
      classNames={{ content: 'dialog', header: 'dialog-head', title: 'dialog-title', body: 'dialog-body' }}
      closeButtonProps={{ 'aria-label': t('close'), icon: <Icon name="close" size={16} /> }}
    >
      {children}
    </Modal>
  )
}

interface ConfirmProps {
  readonly title: string
  readonly action: string
  readonly danger?: boolean
  readonly busy: boolean
  readonly disabled?: boolean
  readonly onConfirm: () => void
  readonly onClose: () => void
  readonly children: ReactNode
}

/** Asks before something is done that others feel. */
export function Confirm(props: ConfirmProps) {
  const { title, action, danger = false, busy, disabled = false, onConfirm, onClose, children } = props
  const t = useText()
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="stack stack-l">
        {children}
        <div className="row dialog-actions">
          <ActionButton onClick={onClose}>{t('cancel')}</ActionButton>
          <ActionButton
            variant={danger ? 'danger' : 'filled'}
            busy={busy}
            disabled={disabled}
            onClick={onConfirm}
          >
            {action}
          </ActionButton>
        </div>
      </div>
    </Dialog>
  )
}

const COPIED_MS = 2_000

export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const t = useText()
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), COPIED_MS)
    return () => clearTimeout(timer)
  }, [copied])
  return (
    <ActionButton
      variant="subtle"
      icon={copied ? 'check' : 'copy'}
      label={copied ? t('copied') : label}
      onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
    >
      {copied ? t('copied') : t('copy')}
    </ActionButton>
  )
}

export function DismissButton({ onClick }: { readonly onClick: () => void }) {
  const t = useText()
  return (
    <CloseButton size="sm" aria-label={t('close')} icon={<Icon name="close" size={14} />} onClick={onClick} />
  )
}
