import { codeKey, useText } from '../text/text.ts'

interface Problem {
  readonly code: string
  readonly message: string
  readonly hint: string
}

/** What went wrong and what to do: in the person's language where the code is known, in the node's words otherwise. */
export function ProblemText({ problem }: { readonly problem: Problem }) {
  const t = useText()
  const key = codeKey('problem', problem.code)
  const text = key === undefined ? problem.message : t(key)
  return (
    <div>
      <p>{text === '' ? t('problem.UNEXPECTED') : text}</p>
      {problem.hint !== '' && <p className="quiet small">{problem.hint}</p>}
      {key === undefined && <p className="quiet tiny mono">{problem.code}</p>}
    </div>
  )
}
