import { z } from 'zod'
import type { IncidentDetail } from '../../contract/incidents-schemas.ts'
import { incidentIdSchema, MAX_SILENCE_MS, remarkSchema } from '../../contract/incidents-schemas.ts'
import { defineCommand, durationText, flag, wholeNumberText } from '../command.ts'
import { CALL_MS, type CliContext } from '../context.ts'
import { EXIT, type ExitCode, usageFault } from '../fault.ts'
import { renderIncident, renderIncidents } from '../output/incident-view.ts'

const client = (context: CliContext) => context.connect(context.timeoutMs ?? CALL_MS).incidents
const ID = { flags: '<id>', help: 'of the incident (inc-...)' }
const EXAMPLE = 'inc-0123456789abcdef'

const LISTED = 100

function done(context: CliContext, incident: IncidentDetail, text: string): ExitCode {
  context.output.done({ incident }, text)
  return EXIT.done
}

const listCommand = defineCommand({
  name: 'incidents list',
  summary:
    'list what is wrong now, each with its root cause; exit code 1 when something is and --check is given',
  options: [
    { flags: '-a, --all', help: 'also what is over' },
    { flags: '--limit <n>', help: `at most so many (default ${LISTED})` },
    { flags: '--check', help: 'exit with 1 when anything worse than info is open' },
  ],
  examples: ['x0t incidents list', 'x0t incidents list --all --json'],
  input: z.object({ all: flag, check: flag, limit: wholeNumberText(1, 500).optional() }),
  async run(context, { all, check, limit }) {
    const { items } = await client(context).list({ open: all ? null : true, limit: limit ?? LISTED })
    const nothing = all ? 'No incidents are known.' : 'No open incidents.'
    context.output.data({ items }, () =>
      items.length === 0 ? nothing : renderIncidents(context.output.paint, items, context.now()),
    )
    const isBad = items.some(({ state, severity }) => state !== 'resolved' && severity !== 'info')
    return check && isBad ? EXIT.failed : EXIT.done
  },
})

const showCommand = defineCommand({
  name: 'incidents show',
  summary: 'show the evidence, the diagnosis and all that happened',
  arguments: [ID],
  examples: [`x0t incidents show ${EXAMPLE}`],
  input: z.object({ id: incidentIdSchema }),
  async run(context, { id }) {
    const { incident } = await client(context).get({ id })
    context.output.data({ incident }, () => renderIncident(incident, context.now()))
    return EXIT.done
  },
})

const ackCommand = defineCommand({
  name: 'incidents ack',
  summary: 'say that somebody has seen it; with --owner, who takes care of it',
  arguments: [ID],
  options: [{ flags: '--owner <name>', help: 'who takes care of it; - for nobody' }],
  examples: [`x0t incidents ack ${EXAMPLE}`, `x0t incidents ack ${EXAMPLE} --owner ada`],
  input: z.object({ id: incidentIdSchema, owner: z.string().trim().min(1).max(63).optional() }),
  async run(context, { id, owner }) {
    const { incident } = await client(context).acknowledge({ id })
    if (owner === undefined) return done(context, incident, `${incident.title}: seen.`)
    const name = owner === '-' ? null : owner
    const owned = await client(context).own({ id, owner: name })
    return done(context, owned.incident, `${incident.title}: ${name ?? 'nobody'} takes care of it.`)
  },
})

const noteCommand = defineCommand({
  name: 'incidents note',
  summary: 'write a note to an incident',
  arguments: [ID, { flags: '<text>', help: 'the note' }],
  examples: [`x0t incidents note ${EXAMPLE} "a digger cut the line"`],
  input: z.object({ id: incidentIdSchema, text: remarkSchema }),
  async run(context, { id, text }) {
    const { incident } = await client(context).note({ id, text })
    return done(context, incident, `${incident.title}: noted.`)
  },
})

const silenceCommand = defineCommand({
  name: 'incidents silence',
  summary: 'send no notification of it for a while; it stays in every list',
  arguments: [ID],
  options: [
    { flags: '--for <duration>', help: 'how long, for example 2h (default 1h)' },
    { flags: '--off', help: 'end the silence' },
  ],
  examples: [`x0t incidents silence ${EXAMPLE} --for 2h`],
  input: z.object({ id: incidentIdSchema, for: durationText.optional(), off: flag }),
  async run(context, input) {
    const forMs = input.off ? 0 : (input.for ?? 3_600_000)
    if (forMs > MAX_SILENCE_MS) throw usageFault('--for must be 7 days at most', 'incidents silence')
    const { incident } = await client(context).silence({ id: input.id, forMs })
    const text = forMs === 0 ? 'the silence has ended.' : 'silent for a while.'
    return done(context, incident, `${incident.title}: ${text}`)
  },
})

const resolveCommand = defineCommand({
  name: 'incidents resolve',
  summary: 'vouch that it is over',
  arguments: [ID],
  options: [{ flags: '--reason <text>', help: 'what was done (required)' }],
  examples: [`x0t incidents resolve ${EXAMPLE} --reason "replaced the cable"`],
  input: z.object({ id: incidentIdSchema, reason: remarkSchema }),
  async run(context, { id, reason }) {
    const { incident } = await client(context).resolve({ id, reason })
    return done(context, incident, `${incident.title}: closed.`)
  },
})

export const incidentCommands = [
  listCommand,
  showCommand,
  ackCommand,
  noteCommand,
  silenceCommand,
  resolveCommand,
]
