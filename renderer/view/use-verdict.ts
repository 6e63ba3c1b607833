import { useMemo } from 'react'
import { useSelf, useTopic } from '../state/topic-store.ts'
import { useText } from '../text/text.ts'
import { type Verdict, verdictOf } from './verdict.ts'

/** The verdict on what was heard so far; undefined until the first word of the node. */
export function useVerdict(): Verdict | undefined {
  const t = useText()
  const node = useSelf()
  const links = useTopic('links')
  const members = useTopic('members')
  return useMemo(() => {
    if (node === undefined || links === undefined || members === undefined) return undefined
    return verdictOf({ node, links, members, incidents: undefined, waiting: 0 }, t)
  }, [node, links, members, t])
}
