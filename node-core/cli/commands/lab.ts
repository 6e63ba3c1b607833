import { existsSync } from 'node:fs'
import { z } from 'zod'
import {
  type Impairment,
  labDownSchema,
  labLinksSchema,
  labNodeResultSchema,
  labStatusSchema,
  type NodeAction,
} from '../../contract/lab.ts'
import { nodeNameSchema } from '../../contract/schemas.ts'
import { hasCode } from '../../platform/error.ts'
import { type ArgumentSpec, type Command, defineCommand, flag, type OptionSpec } from '../command.ts'
import type { CliContext } from '../context.ts'
import { cliFault, EXIT, type ExitCode, usageFault } from '../fault.ts'
import { askLab, labPaths } from '../lab/lab-client.ts'
import { describeAll, renderLabStatus } from '../lab/lab-view.ts'
import {
  byteRateText,
  delayText,
  labNameInput,
  labNameOption,
  percentText,
  turnText,
} from '../lab/lab-words.ts'
import { processIsGone } from '../process-gone.ts'
import { until } from '../until.ts'

const ENDS: readonly ArgumentSpec[] = [
  { flags: '<a>', help: 'a node of the lab' },
  { flags: '<b>', help: 'its neighbour' },
]
const ends = { a: nodeNameSchema, b: nodeNameSchema }
const ONE_WAY: OptionSpec = { flags: '--one-way', help: 'only what goes from <a> to <b>' }
/** Nodes that ignore a SIGTERM are killed after three seconds. */
const DOWN_MS = 30_000

const labStatusCommand = defineCommand({
  name: 'lab status',
  summary: 'show the nodes of a lab with their homes, and its links with what impairs them',
  options: [labNameOption],
  examples: ['x0t lab status', 'x0t lab status --name site --json'],
  input: z.object(labNameInput),
  async run(context, { name }) {
    const status = await askLab(context, name, { op: 'status' }, labStatusSchema)
    context.output.data(status, () => renderLabStatus(status, context.output.paint, context.now()))
    return EXIT.done
  },
})

interface Words {
  readonly name: z.infer<typeof nodeNameSchema>
  readonly a: z.infer<typeof nodeNameSchema>
  readonly b: z.infer<typeof nodeNameSchema>
}

async function impair(
  context: CliContext,
  { name, a, b }: Words,
  impairment: Impairment,
  oneWay = false,
): Promise<ExitCode> {
  const document = await askLab(context, name, { op: 'impair', a, b, impairment, oneWay }, labLinksSchema)
  const applied = document.links[0]?.impairments ?? []
  context.output.done(document, `In force between ${a} and ${b}: ${describeAll(applied)}.`)
  return EXIT.done
}

/** An impairment without a size. */
const gateCommand = (kind: 'cut' | 'blackhole' | 'oneway', summary: string): Command =>
  defineCommand({
    name: `lab ${kind}`,
    summary,
    arguments: ENDS,
    options: [labNameOption],
    examples: [`x0t lab ${kind} n1 n2`],
    input: z.object({ ...labNameInput, ...ends }),
    run: (context, words) => impair(context, words, { kind }),
  })

const delayCommand = defineCommand({
  name: 'lab delay',
  summary: 'make bytes on a link late, in each direction',
  arguments: [...ENDS, { flags: '<time>', help: 'for example 40ms' }],
  options: [{ flags: '--jitter <time>', help: 'how much more or less' }, ONE_WAY, labNameOption],
  examples: ['x0t lab delay n1 n2 40ms', 'x0t lab delay n1 n2 100ms --jitter 20ms --one-way'],
  input: z.object({
    ...{ ...labNameInput, ...ends, time: delayText, oneWay: flag },
    jitter: delayText.optional(),
  }),
  run: (context, { time, jitter = 0, oneWay, ...words }) =>
    impair(context, words, { kind: 'delay', ms: time, jitterMs: jitter }, oneWay),
})

const lossCommand = defineCommand({
  name: 'lab loss',
  summary: 'lose segments on a link, seen as stalls until they are sent again',
  arguments: [...ENDS, { flags: '<share>', help: 'of the segments, for example 5%' }],
  options: [ONE_WAY, labNameOption],
  examples: ['x0t lab loss n1 n2 5%'],
  input: z.object({ ...labNameInput, ...ends, share: percentText, oneWay: flag }),
  run: (context, { share, oneWay, ...words }) =>
    impair(context, words, { kind: 'loss', rate: share }, oneWay),
})

const throttleCommand = defineCommand({
  name: 'lab throttle',
  summary: 'limit the bytes per second of a link, in each direction',
  arguments: [...ENDS, { flags: '<rate>', help: 'bytes per second, for example 500k or 2M' }],
  options: [ONE_WAY, labNameOption],
  examples: ['x0t lab throttle n1 n2 500k'],
  input: z.object({ ...labNameInput, ...ends, rate: byteRateText, oneWay: flag }),
  run: (context, { rate, oneWay, ...words }) =>
    impair(context, words, { kind: 'throttle', bytesPerSecond: rate }, oneWay),
})

const flapCommand = defineCommand({
  name: 'lab flap',
  summary: 'cut and heal a link by turns',
  arguments: [...ENDS, { flags: '<time>', help: 'of each turn, for example 2s' }],
  options: [{ flags: '--up <time>', help: 'of the turns in which it is whole' }, labNameOption],
  examples: ['x0t lab flap n1 n2 2s', 'x0t lab flap n1 n2 500ms --up 5s'],
  input: z.object({ ...labNameInput, ...ends, time: turnText, up: turnText.optional() }),
  run: (context, { time, up, ...words }) =>
    impair(context, words, { kind: 'flap', downMs: time, upMs: up ?? time }),
})

const healCommand = defineCommand({
  name: 'lab heal',
  summary: 'take the impairments off one link, or off all of them',
  arguments: [
    { flags: '[a]', help: 'a node of the lab' },
    { flags: '[b]', help: 'its neighbour' },
  ],
  options: [labNameOption],
  examples: ['x0t lab heal', 'x0t lab heal n1 n2'],
  input: z.object({ ...labNameInput, a: nodeNameSchema.optional(), b: nodeNameSchema.optional() }),
  async run(context, { name, a, b }) {
    if (a !== undefined && b === undefined)
      throw usageFault('[b] is missing: a link has two ends', 'lab heal')
    const document = await askLab(context, name, { op: 'heal', a, b }, labLinksSchema)
    const what = a === undefined ? 'No link' : `The link between ${a} and ${b}`
    context.output.done(document, `${what} is ${a === undefined ? '' : 'not '}impaired any more.`)
    return EXIT.done
  },
})

const nodeCommand = (action: NodeAction, summary: string, done: string): Command =>
  defineCommand({
    name: `lab ${action}`,
    summary,
    arguments: [{ flags: '<node>', help: 'of the lab' }],
    options: [labNameOption],
    examples: [`x0t lab ${action} n2`],
    input: z.object({ ...labNameInput, node: nodeNameSchema }),
    async run(context, { name, node }) {
      const document = await askLab(context, name, { op: 'node', node, action }, labNodeResultSchema)
      context.output.done(document, `${node} ${done}.`)
      return EXIT.done
    },
  })

const labDownCommand = defineCommand({
  name: 'lab down',
  summary: 'end a lab and remove its directory',
  options: [labNameOption],
  examples: ['x0t lab down'],
  input: z.object(labNameInput),
  async run(context, { name }) {
    let pid: number
    try {
      pid = (await askLab(context, name, { op: 'down' }, labDownSchema)).pid
    } catch (error) {
      if (!hasCode(error, 'LAB_NOT_RUNNING')) throw error
      context.output.done({ wasRunning: false, pid: null }, `No lab called '${name}' was running.`)
      return EXIT.done
    }
    const { root } = labPaths(context, name)
    const limitMs = context.timeoutMs ?? DOWN_MS
    const isGone = async (): Promise<boolean> => processIsGone(pid) && !existsSync(root)
    if (!(await until(isGone, { limitMs, signal: context.interrupts.signal }))) {
      throw cliFault({ code: 'TIMEOUT' }, `the lab (pid ${pid}) has not ended within ${limitMs} ms`, {
        hint: 'Wait longer with --timeout, or end that process yourself.',
      })
    }
    context.output.done({ wasRunning: true, pid }, 'The lab has ended, and nothing of it is left.')
    return EXIT.done
  },
})

/** What is done to a lab that runs, in the order in which the help shows it. */
export const labCommands: readonly Command[] = [
  labStatusCommand,
  gateCommand('cut', 'reset the connections of a link and refuse new ones'),
  gateCommand('blackhole', 'hold what is sent over a link, in both directions, without a word'),
  gateCommand('oneway', 'hold what goes from the first node to the second, and nothing else'),
  delayCommand,
  lossCommand,
  throttleCommand,
  flapCommand,
  healCommand,
  nodeCommand('kill', 'end a node as a crash would (SIGKILL)', 'is dead'),
  nodeCommand('stop', 'let a node hang (SIGSTOP)', 'hangs'),
  nodeCommand('cont', 'let a node go on (SIGCONT)', 'goes on'),
  nodeCommand('restart', 'start a node again, ending it first if it runs', 'is up'),
  labDownCommand,
]
