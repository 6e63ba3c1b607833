import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { healIncidentIdSchema, playbookNameSchema } from '../../contract/heal-schemas.ts'
import { PLAYBOOK_MODES } from '../../domain/plan.ts'
import { FaultError, messageOf } from '../../platform/error.ts'
import { defineCommand } from '../command.ts'
import { CALL_MS, type CliContext } from '../context.ts'
import { EXIT } from '../fault.ts'
import { renderTable } from '../output/table.ts'

const client = (context: CliContext) => context.connect(context.timeoutMs ?? CALL_MS)
const nameArgument = [{ flags: '<playbook>', help: 'its name' }]
const nameInput = z.object({ playbook: playbookNameSchema })

const listCommand = defineCommand({
  name: 'playbook list',
  summary: 'show what answers to which symptom, and how well it did',
  examples: ['x0t playbook list'],
  input: z.object({}),
  async run(context) {
    const { items, problems } = await client(context).playbooks.list()
    context.output.data({ items, problems }, () =>
      [
        renderTable(
          context.output.paint,
          ['PLAYBOOK', 'SYMPTOMS', 'RISK', 'MODE', 'REPAIRED', 'FROM'],
          items.map((item) => [
            item.playbook,
            item.symptoms.join(', '),
            item.risk,
            item.enabled ? (item.setMode ?? item.mode) : 'disabled',
            item.wins + item.losses === 0 ? '-' : `${item.wins} of ${item.wins + item.losses}`,
            item.origin,
          ]),
        ),
        ...problems.map((problem) => `cannot be used: ${problem}`),
      ].join('\n'),
    )
    return EXIT.done
  },
})

const showCommand = defineCommand({
  name: 'playbook show',
  summary: 'show what a playbook does',
  arguments: nameArgument,
  examples: ['x0t playbook show move-off-a-dead-link'],
  input: nameInput,
  async run(context, { playbook: name }) {
    const { playbook } = await client(context).playbooks.show({ playbook: name })
    context.output.data({ playbook }, () =>
      [
        `${playbook.playbook} ${playbook.version}: ${playbook.title}`,
        playbook.about,
        `Answers to ${playbook.symptoms.join(', ')}; risk ${playbook.risk}, mode ${playbook.setMode ?? playbook.mode}, verified by ${playbook.verify}.`,
        ...playbook.steps.map(
          (step) =>
            `  ${step.id}: ${step.action} on ${step.on}${step.after.length === 0 ? '' : `, after ${step.after.join(', ')}`}${step.undo === null ? '' : `, undone by ${step.undo}`}`,
        ),
      ].join('\n'),
    )
    return EXIT.done
  },
})

const textOf = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((error: unknown) => {
    throw new FaultError({ code: 'FILE_UNREADABLE' }, `${file} cannot be read: ${messageOf(error)}`)
  })

const saveCommand = defineCommand({
  name: 'playbook save',
  summary: 'keep a playbook of your own, in place of another one of its name',
  arguments: [{ flags: '<file>', help: 'a YAML file' }],
  examples: ['x0t playbook save my.yaml'],
  input: z.object({ file: z.string() }),
  async run(context, { file }) {
    const { playbook } = await client(context).playbooks.save({ document: await textOf(file) })
    context.output.done({ playbook }, `${playbook.playbook} ${playbook.version} is kept.`)
    return EXIT.done
  },
})

const removeCommand = defineCommand({
  name: 'playbook remove',
  summary: 'remove a playbook of your own; one that came with the program is in force again',
  arguments: nameArgument,
  examples: ['x0t playbook remove my-redial'],
  input: nameInput,
  async run(context, { playbook: name }) {
    const { playbook, shippedAgain } = await client(context).playbooks.remove({ playbook: name })
    const after = shippedAgain ? ' The one that came with the program is in force again.' : ''
    context.output.done({ playbook, shippedAgain }, `${playbook} is removed.${after}`)
    return EXIT.done
  },
})

const testCommand = defineCommand({
  name: 'playbook test',
  summary: 'check a playbook, and what it would do about an incident, without doing it',
  arguments: [{ flags: '<file>', help: 'a YAML file' }],
  options: [{ flags: '--against <incident>', help: 'an incident (inc-...) that this node knows' }],
  examples: ['x0t playbook test my.yaml --against inc-0123456789abcdef'],
  input: z.object({ file: z.string(), against: healIncidentIdSchema.optional() }),
  async run(context, { file, against }) {
    const document = await textOf(file)
    const { schema: _schema, ...trial } = await client(context).playbooks.test({
      document,
      file,
      against: against ?? null,
    })
    context.output.data(trial, () =>
      trial.problems.length > 0
        ? trial.problems.join('\n')
        : [
            trial.matches
              ? `It would ${trial.mode === 'auto' ? 'act by itself' : trial.mode}: ${trial.why}.`
              : `It does not answer to it: ${trial.why}.`,
            ...(trial.heldBackBy === null ? [] : [`It would be held back by ${trial.heldBackBy}.`]),
            ...trial.steps.map((step) => `  ${step.id}: ${step.action} at ${step.at}, about ${step.subject}`),
          ].join('\n'),
    )
    return trial.problems.length === 0 && trial.matches ? EXIT.done : EXIT.failed
  },
})

const toggle = (enabled: boolean) =>
  defineCommand({
    name: `playbook ${enabled ? 'enable' : 'disable'}`,
    summary: enabled ? 'let a playbook be chosen again' : 'keep a playbook from being chosen',
    arguments: nameArgument,
    examples: [`x0t playbook ${enabled ? 'enable' : 'disable'} restart-a-service`],
    input: nameInput,
    async run(context, { playbook: name }) {
      const { playbook } = await client(context).playbooks.set({ playbook: name, enabled })
      context.output.done({ playbook }, `${name} is ${enabled ? 'enabled' : 'disabled'}.`)
      return EXIT.done
    },
  })

const modeCommand = defineCommand({
  name: 'playbook mode',
  summary: 'set how far a playbook may go by itself',
  arguments: [
    ...nameArgument,
    { flags: '<mode>', help: 'observe, ask, auto, or file for what its file says' },
  ],
  examples: ['x0t playbook mode restart-a-service ask'],
  input: z.object({
    playbook: playbookNameSchema,
    mode: z.enum([...PLAYBOOK_MODES, 'file'], { error: 'must be observe, ask, auto or file' }),
  }),
  async run(context, { playbook: name, mode }) {
    const { playbook } = await client(context).playbooks.set({
      playbook: name,
      mode: mode === 'file' ? null : mode,
    })
    context.output.done({ playbook }, `${name} now goes as far as ${playbook.setMode ?? playbook.mode}.`)
    return EXIT.done
  },
})

const forgetCommand = defineCommand({
  name: 'playbook forget',
  summary: 'forget what was learned of a playbook, or of all of them',
  arguments: [{ flags: '[playbook]', help: 'its name; all without' }],
  examples: ['x0t playbook forget'],
  input: z.object({ playbook: playbookNameSchema.optional() }),
  async run(context, { playbook }) {
    const { outcomes } = await client(context).playbooks.forget({ playbook: playbook ?? null })
    context.output.done({ outcomes }, `${outcomes} outcomes are forgotten.`)
    return EXIT.done
  },
})

export const playbookCommands = [
  listCommand,
  showCommand,
  testCommand,
  saveCommand,
  removeCommand,
  toggle(true),
  toggle(false),
  modeCommand,
  forgetCommand,
]
