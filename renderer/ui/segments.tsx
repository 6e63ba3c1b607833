import { useId } from 'react'
import { Icon, type IconName } from './icon.tsx'

interface SegmentsProps<V extends string> {
  readonly label: string
  readonly value: V
  readonly options: readonly { readonly value: V; readonly label: string; readonly icon?: IconName }[]
  readonly onChange: (value: V) => void
  /** Where there is little room: the words are for those who hear or point at it. */
  readonly iconsOnly?: boolean
}

/** One of a few, all in sight: radio buttons in the shape of a strip. */
export function Segments<V extends string>(props: SegmentsProps<V>) {
  const { label, value, options, onChange, iconsOnly = false } = props
  const name = useId()
  return (
    <div className="seg" role="radiogroup" aria-label={label}>
      {options.map((option) => (
        <label key={option.value} title={iconsOnly ? option.label : undefined}>
          <input
            type="radio"
            name={name}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          <span>
            {option.icon !== undefined && <Icon name={option.icon} size={14} />}
            {iconsOnly ? <span className="sr-only">{option.label}</span> : option.label}
          </span>
        </label>
      ))}
    </div>
  )
}
