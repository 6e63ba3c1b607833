import type { ReactNode } from 'react'
import { useText } from '../text/text.ts'
import { Notice } from './panel.tsx'
import { ProblemText } from './problem.tsx'
import { Skeleton } from './skeleton.tsx'

interface KnownValue<T> {
  readonly value: T | undefined
  readonly problem: { readonly code: string; readonly message: string; readonly hint: string } | undefined
}

interface WhenKnownProps<T> {
  readonly known: KnownValue<T>
  readonly lines?: number
  readonly children: (value: T) => ReactNode
}

/** What was read from the node, or why it was not; while a first answer is awaited, the place of it. */
export function WhenKnown<T>({ known, lines = 4, children }: WhenKnownProps<T>) {
  const t = useText()
  const { value, problem } = known
  if (value === undefined && problem === undefined) return <Skeleton lines={lines} />
  return (
    <>
      {problem !== undefined && (
        <Notice tone={value === undefined ? 'bad' : 'attention'} label={t('tone.attention')} alert>
          <ProblemText problem={problem} />
        </Notice>
      )}
      {value !== undefined && children(value)}
    </>
  )
}
