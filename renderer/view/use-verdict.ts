import { useMemo } from 'react'
import { healStatus, openIncidents } from '../state/heal.ts'
import { useKnown } from '../state/resource.ts'
import { useSelf, useTopic } from '../state/topic-store.ts'
import { useText } from '../text/text.ts'
import { type Verdict, verdictOf } from './verdict.ts'

/** The verdict on what was heard so far; undefined until the first word of the node. */
export function useVerdict(): Verdict | undefined {
  const t = useText()
  const node = useSelf()
  const links = useTopic('links')
  const members = useTopic('members')
  const { value: incidents } = useKnown(openIncidents)
  const waiting = useKnown(healStatus).value?.waiting.length ?? 0
  return useMemo(() => {
    if (node === undefined || links === undefined || members === undefined) return undefined
    return verdictOf({ node, links, members, incidents, waiting }, t)
  }, [node, links, members, incidents, waiting, t])
}
