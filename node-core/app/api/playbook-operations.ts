import type { PlaybookSummary } from '../../contract/heal-schemas.ts'
import type { NodeApi } from '../../control/node-api.ts'
import { talliesOf } from '../../mapek/loop/tallies.ts'
import { parsePlaybook } from '../../mapek/playbooks/parse-playbook.ts'
import type { Playbook } from '../../mapek/playbooks/playbook-schema.ts'
import { FaultError } from '../../platform/error.ts'
import { type HealFault, type HealParts as Parts, stepView, voter } from './heal-operations.ts'

function summaryOf(parts: Parts, book: Playbook): PlaybookSummary {
  const setting = parts.knowledge.playbookSettings.get(book.playbook)
  const tallies = book.trigger.symptoms.flatMap((code) =>
    talliesOf(parts.knowledge.outcomes, code).filter(({ playbook }) => playbook === book.playbook),
  )
  const sum = (counts: readonly number[]): number =>
    Math.round(counts.reduce((all, one) => all + one, 0) * 10) / 10
  return {
    ...{ playbook: book.playbook, version: book.version, title: book.title, symptoms: book.trigger.symptoms },
    ...{
      risk: book.risk,
      mode: book.mode,
      setMode: setting?.mode ?? null,
      enabled: setting?.enabled ?? true,
    },
    origin: parts.heal.playbooks.origin(book.playbook) ?? 'shipped',
    wins: sum(tallies.map(({ wins }) => wins)),
    losses: sum(tallies.map(({ losses }) => losses)),
  }
}

function bookOf(parts: Parts, name: string): Playbook {
  const book = parts.heal.playbooks.all().find(({ playbook }) => playbook === name)
  if (book !== undefined) return book
  throw new FaultError<HealFault>(
    { code: 'PLAYBOOK_UNKNOWN', playbook: name },
    `there is no playbook '${name}'`,
    {
      hint: 'x0t playbook list shows those that there are.',
    },
  )
}

export function playbookOperations(parts: Parts): NodeApi['playbooks'] {
  const { playbookSettings, outcomes } = parts.knowledge
  const { playbooks, loop } = parts.heal
  return {
    list: async () => {
      playbooks.reload()
      return {
        items: playbooks.all().map((book) => summaryOf(parts, book)),
        problems: [...playbooks.problems()],
      }
    },
    show: async ({ playbook }) => {
      const book = bookOf(parts, playbook)
      const steps = book.steps.map((step) => ({
        ...{ id: step.id, action: step.do, on: step.on, after: step.after, timeoutMs: step.timeout },
        ...{ attempts: step.attempts, optional: step.optional, undo: step.undo?.do ?? null },
      }))
      return {
        playbook: {
          ...summaryOf(parts, book),
          about: book.about,
          steps,
          verify: book.verify.expect,
          document: playbooks.document(playbook) ?? '',
        },
      }
    },
    test: async ({ document, file, against }) => {
      const read = parsePlaybook(document, file)
      if (!read.ok) {
        return {
          problems: [...read.problems],
          matches: false,
          mode: null,
          why: 'it cannot be read',
          heldBackBy: null,
          blastRadius: 0,
          steps: [],
        }
      }
      const incident = against === null ? undefined : parts.incidents.get(against)
      if (against !== null && incident === undefined) {
        throw new FaultError<HealFault>(
          { code: 'INCIDENT_UNKNOWN', id: against },
          `no incident ${against} is known here`,
        )
      }
      if (incident === undefined) {
        return {
          problems: [],
          matches: true,
          mode: read.playbook.mode,
          why: 'it can be read',
          heldBackBy: null,
          blastRadius: 0,
          steps: [],
        }
      }
      const { steps, ...trial } = loop.tryOut(read.playbook, incident)
      return { problems: [], ...trial, steps: steps.map((step) => stepView(parts, step)) }
    },
    set: async ({ playbook, enabled, mode }, options) => {
      const book = bookOf(parts, playbook)
      const before = playbookSettings.get(playbook)
      playbookSettings.put({
        playbook,
        enabled: enabled ?? before?.enabled ?? true,
        mode: mode === undefined ? before?.mode : (mode ?? undefined),
        ...{ changedBy: voter(parts, options), changedAt: parts.clock.now() },
      })
      return { playbook: summaryOf(parts, book) }
    },
    save: async ({ document }) => ({ playbook: summaryOf(parts, playbooks.save(document)) }),
    remove: async ({ playbook }) => {
      if (!playbooks.remove(playbook)) {
        bookOf(parts, playbook)
        throw new FaultError<HealFault>(
          { code: 'PLAYBOOK_SHIPPED', playbook },
          `'${playbook}' came with the program and stays`,
          { hint: `Switch it off instead: x0t playbook disable ${playbook}.` },
        )
      }
      return { playbook, shippedAgain: playbooks.origin(playbook) !== undefined }
    },
    forget: async ({ playbook }) => ({ outcomes: outcomes.reset(playbook ?? undefined) }),
  }
}
