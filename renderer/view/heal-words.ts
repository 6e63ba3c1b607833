import { useMemo } from 'react'
import type { IncidentItem } from '../../node-core/contract/incidents-schemas.ts'
import { allIncidents } from '../state/heal.ts'
import { useKnown } from '../state/resource.ts'
import { codeKey, type Translate, useText } from '../text/text.ts'

type Subject = IncidentItem['subject']

/** What the node tells by a code, in the language of the page; in the node's own words where this page has none. */
export interface HealWords {
  subject(subject: Subject): string
  title(incident: Pick<IncidentItem, 'code' | 'subject' | 'title'>): string
  meaning(code: string): string | undefined
  remedy(code: string, given: string | null): string | null
  playbook(name: string, given?: string): string
}

function subjectIn(t: Translate, { kind, nodes, detail, text }: Subject): string {
  const [one, other] = nodes.map(({ peer, name }) => name ?? peer)
  switch (kind) {
    case 'mesh':
      return t('subject.mesh')
    case 'link':
      return one === undefined || other === undefined ? text : t('subject.link', { one, other })
    case 'service':
      return one === undefined || detail === null
        ? text
        : t('subject.service', { service: detail, node: one })
    default:
      return one ?? text
  }
}

function createHealWords(t: Translate): HealWords {
  const subject = (about: Subject): string => subjectIn(t, about)
  return {
    subject,
    title({ code, subject: about, title }) {
      const key = codeKey('title', code)
      return key === undefined ? title : t(key, { subject: subject(about) })
    },
    meaning(code) {
      const key = codeKey('meaning', code)
      return key === undefined ? undefined : t(key)
    },
    remedy(code, given) {
      const key = codeKey('remedy', code)
      return key === undefined ? given : t(key)
    },
    playbook(name, given = name) {
      const key = codeKey('playbook', name)
      return key === undefined ? given : t(key)
    },
  }
}

export function useHealWords(): HealWords {
  const t = useText()
  return useMemo(() => createHealWords(t), [t])
}

/** The title of an incident of which only the id and the node's own title are at hand. */
export function useTitleOf(): (id: string, given: string) => string {
  const words = useHealWords()
  const { value } = useKnown(allIncidents)
  return useMemo(() => {
    const known = new Map<string, IncidentItem>((value ?? []).map((one) => [one.id, one]))
    return (id, given) => {
      const found = known.get(id)
      return found === undefined ? given : words.title(found)
    }
  }, [value, words])
}
