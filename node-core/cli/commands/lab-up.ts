import type { ChildProcess } from 'node:child_process'
import { resolve } from 'node:path'
import { z } from 'zod'
import { labStatusSchema } from '../../contract/lab.ts'
import { defineCommand, wholeNumberText } from '../command.ts'
import { runEntry } from '../entries/entry-process.ts'
import { EXIT } from '../fault.ts'
import { labPaths } from '../lab/lab-client.ts'
import { labNameInput, labNameOption } from '../lab/lab-words.ts'

/** A large mesh on a small machine. */
const START_MS = 10 * 60_000
const MAX_SEED = 999_999_999

const answerSchema = labStatusSchema.extend({ ok: z.literal(true) })

/** It goes on by itself; what it wrote to was only for its start. */
function release(child: ChildProcess): void {
  if (child.connected) child.disconnect()
  child.stdin?.destroy()
  child.stdout?.destroy()
  child.stderr?.destroy()
  child.unref()
}

/** A path is meant from where the person stands, and the lab runs elsewhere. */
const topologyText = (raw: string): string => (/[/\\]|\.json$/i.test(raw) ? resolve(raw) : raw)

export const labUpCommand = defineCommand({
  name: 'lab up',
  summary: 'start a lab: real nodes on this machine, each of which reaches only its neighbours',
  options: [
    {
      flags: '--topology <topology>',
      help: 'ring:6, chain:4, grid:3x3, star:5, full:4 or a NetJSON NetworkGraph file',
    },
    labNameOption,
    { flags: '--seed <seed>', help: 'of losses and jitter, to see the same again' },
  ],
  examples: ['x0t lab up --topology ring:6', 'x0t lab up --topology site.json --name site --seed 7'],
  input: z.object({
    ...labNameInput,
    topology: z.string({ error: 'is missing' }).min(1, 'is missing').max(4096),
    seed: wholeNumberText(0, MAX_SEED).optional(),
  }),
  async run(context, { name, topology, seed = Math.floor(Math.random() * MAX_SEED) }) {
    const { output, interrupts } = context
    const { answer, child } = await runEntry({
      program: context.entryOf('lab'),
      options: { dir: labPaths(context, name).root, topology: topologyText(topology), seed },
      secrets: {},
      answer: answerSchema,
      log: 'keep',
      detached: true,
      // Until it is up it ends with this command, however this ends.
      tied: true,
      timeoutMs: context.timeoutMs ?? START_MS,
      signal: interrupts.signal,
      onProgress: ({ progress }) => output.note(progress),
    })
    release(child)
    const { ok: _ok, ...status } = answer
    const option = name === 'default' ? '' : ` --name ${name}`
    output.done(
      { name, ...status },
      `The lab is up: ${status.nodes.length} nodes and ${status.links.length} links in ${status.lab.dir}, seed ${seed}.
See it with x0t lab status${option}, end it with x0t lab down${option}.`,
    )
    return EXIT.done
  },
})
