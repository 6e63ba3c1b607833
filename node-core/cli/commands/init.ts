import { existsSync } from 'node:fs'
import { z } from 'zod'
import { KEYSTORE_KINDS, meshIdSchema, nodeNameSchema, peerIdSchema } from '../../contract/schemas.ts'
import { defineCommand } from '../command.ts'
import { runEntry } from '../entries/entry-process.ts'
import { cliFault, EXIT } from '../fault.ts'
import { renderPairs } from '../output/table.ts'
import { newPassphrase } from '../secrets/passphrase.ts'
import { newKeystoreInput, newKeystoreOptions } from './keystore-options.ts'

const INIT_MS = 60_000

const answerSchema = z.object({
  ok: z.literal(true),
  peerId: peerIdSchema,
  meshId: meshIdSchema,
  fingerprint: z.string(),
  name: nodeNameSchema,
  home: z.string(),
  keystore: z.enum(KEYSTORE_KINDS),
})

export const initCommand = defineCommand({
  name: 'init',
  summary: 'make a new mesh with this machine as its first node',
  options: [
    { flags: '--mesh <mesh>', help: 'what to call the mesh' },
    { flags: '--name <name>', help: 'what to call this node' },
    ...newKeystoreOptions,
  ],
  examples: ['x0t init --mesh home --name laptop'],
  input: z.object({
    // Only ever shown to people, never typed to find something: it may be a text.
    mesh: z
      .string({ error: 'is missing' })
      .regex(/^(?=\S)[^\p{C}]{1,63}(?<=\S)$/u, 'must be 1 to 63 characters, with no space at the ends'),
    name: z.string({ error: 'is missing' }).pipe(nodeNameSchema),
    ...newKeystoreInput,
  }),
  async run(context, { mesh, name, ...words }) {
    const { paths, output, interrupts } = context
    if (existsSync(paths.keystore)) {
      throw cliFault({ code: 'HOME_HAS_NODE' }, `the home ${paths.root} already holds a node`, {
        hint: 'Start it with x0t up. If it was left by an x0t join that broke off, run that again. Or name another home with --home.',
      })
    }
    const passphrase = await newPassphrase(context, words)
    const keystore = { kind: passphrase === undefined ? 'keyfile' : 'passphrase' }
    const { answer } = await runEntry({
      program: context.entryOf('init'),
      options: { home: paths.root, mesh, name, keystore },
      secrets: { passphrase },
      answer: answerSchema,
      log: 'keep',
      detached: false,
      tied: true,
      timeoutMs: context.timeoutMs ?? INIT_MS,
      signal: interrupts.signal,
    })
    const { ok: _ok, ...made } = answer
    output.data({ mesh, ...made }, () =>
      renderPairs(
        [
          ['mesh', mesh],
          ['fingerprint', made.fingerprint],
          ['node', made.name],
          ['peer id', made.peerId],
          ['home', made.home],
          ['keystore', made.keystore === 'passphrase' ? 'sealed with a passphrase' : 'opens with a key file'],
        ],
        output.paint,
      ),
    )
    output.note('Next: x0t up, then x0t invite for each further machine.')
    return EXIT.done
  },
})
