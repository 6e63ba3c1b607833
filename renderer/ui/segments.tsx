import { useId } from 'react'
import { Icon, type IconName } from './icon.tsx'

interface SegmentsProps<V extends string> {
  readonly label: string
  readonly value: V
  readonly options: readonly { readonly value: V; readonly label: string; readonly icon?: IconName }[]
  readonly onChange: (value: V) => void
}

/** One of a few, all in sight: radio buttons in the shape of a strip. */
export function Segments<V extends string>({ label, value, options, onChange }: SegmentsProps<V>) {
  const name = useId()
  return (
    <div className="seg" role="radiogroup" aria-label={label}>
      {options.map((option) => (
        <label key={option.value}>
          <input
            type="radio"
            name={name}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          <span>
            {option.icon !== undefined && <Icon name={option.icon} size={14} />}
            {option.label}
          </span>
        </label>
      ))}
    </div>
  )
}
