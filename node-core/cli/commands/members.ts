import { z } from 'zod'
import { nodeNameSchema, nodeRefSchema, roleSchema } from '../../contract/schemas.ts'
import { defineCommand, durationText } from '../command.ts'
import { CALL_MS } from '../context.ts'
import { EXIT, usageFault } from '../fault.ts'
import { formatMoment } from '../output/time.ts'

const DAY_MS = 86_400_000
const NODE = { flags: '<node>', help: 'its name or peer id' }

const setCommand = defineCommand({
  name: 'member set',
  summary: 'rename a member, or change its role, its labels or whether it carries traffic for others',
  arguments: [NODE],
  options: [
    { flags: '--name <name>', help: 'what it is called from now on' },
    { flags: '--role <role>', help: 'owner, admin, operator, viewer or none' },
    { flags: '--labels <labels>', help: 'all of its labels, with commas between; empty for none' },
    { flags: '--transit <yes|no>', help: 'whether it carries traffic for others' },
  ],
  examples: [
    'x0t member set old-laptop --name attic --labels site=berlin,backup',
    'x0t member set attic --role viewer',
  ],
  input: z.object({
    node: nodeRefSchema,
    name: nodeNameSchema.optional(),
    role: roleSchema.optional(),
    labels: z.string().max(2_048).optional(),
    transit: z.enum(['yes', 'no'], { error: 'must be yes or no' }).optional(),
  }),
  async run(context, { node, name, role, labels, transit }) {
    if (name === undefined && role === undefined && labels === undefined && transit === undefined) {
      throw usageFault('nothing to change: give --name, --role, --labels or --transit', 'member set')
    }
    const { member } = await context.connect(context.timeoutMs ?? CALL_MS).members.update({
      node,
      name: name ?? null,
      role: role ?? null,
      labels:
        labels === undefined
          ? null
          : labels
              .split(',')
              .map((label) => label.trim())
              .filter((label) => label !== ''),
      transit: transit === undefined ? null : transit === 'yes',
    })
    const what = [
      `role ${member.role}`,
      member.labels.length === 0 ? 'no labels' : `labels ${member.labels.join(', ')}`,
    ]
    context.output.done(
      { member },
      `${member.name} has a new certificate: ${what.join(', ')}. The others hear of it within seconds.`,
    )
    return EXIT.done
  },
})

const grantCommand = defineCommand({
  name: 'issuer grant',
  summary: 'let a member let machines in and renew certificates, so that the mesh survives without this node',
  arguments: [NODE],
  options: [{ flags: '--for <duration>', help: 'how long, at most 365d; by default 90d' }],
  examples: ['x0t issuer grant server --for 180d'],
  input: z.object({
    node: nodeRefSchema,
    for: durationText
      .refine((ms) => ms >= 3_600_000 && ms <= 365 * DAY_MS, 'must be from 1h to 365d')
      .optional(),
  }),
  async run(context, { node, for: forMs }) {
    const { member } = await context
      .connect(context.timeoutMs ?? CALL_MS)
      .members.grantIssuing({ node, forMs: forMs ?? 90 * DAY_MS })
    context.output.done(
      { member },
      `${member.name} may invite and renew whoever is below its role (${member.role}) until ${formatMoment(member.expiresAt)}.`,
    )
    return EXIT.done
  },
})

export const memberCommands = [setCommand, grantCommand]
