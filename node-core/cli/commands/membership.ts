import { z } from 'zod'
import { nodeRefSchema } from '../../contract/schemas.ts'
import { defineCommand, flag } from '../command.ts'
import { confirm } from '../confirm.ts'
import { CALL_MS } from '../context.ts'
import { EXIT } from '../fault.ts'
import { waitForEnd } from './down.ts'

const yesOption = { flags: '-y, --yes', help: 'do not ask' }

export const revokeCommand = defineCommand({
  name: 'revoke',
  summary: 'expel a node from the mesh for good',
  arguments: [{ flags: '<node>', help: 'its name or peer id' }],
  options: [
    { flags: '--reason <text>', help: 'kept with the revocation' },
    { flags: '--keep-members', help: 'members that it let in stay members' },
    yesOption,
  ],
  examples: ['x0t revoke old-phone --reason "lost on a train"', 'x0t revoke lost-laptop --keep-members'],
  input: z.object({
    node: nodeRefSchema,
    reason: z.string().max(500).optional(),
    keepMembers: flag,
    yes: flag,
  }),
  async run(context, { node, reason, keepMembers, yes }) {
    await confirm(
      context,
      `Expel ${node} for good? It needs a new identity and a new invite to come back.`,
      yes,
    )
    const { schema: _schema, ...revoked } = await context
      .connect(context.timeoutMs ?? CALL_MS)
      .members.revoke({ node, keepIssued: keepMembers, ...(reason === undefined ? {} : { reason }) })
    const others = revoked.alsoRevoked.length
    context.output.done(
      revoked,
      `${revoked.name} is revoked${others === 0 ? '' : `, and with it ${others} whose certificates it had issued`}. ` +
        'Its links close everywhere within seconds.',
    )
    return EXIT.done
  },
})

export const leaveCommand = defineCommand({
  name: 'leave',
  summary: 'leave the mesh: forget its certificate and keys, and stop the node',
  options: [yesOption],
  examples: ['x0t leave'],
  input: z.object({ yes: flag }),
  async run(context, { yes }) {
    const client = context.connect(context.timeoutMs ?? CALL_MS)
    const { pid } = await client.node.version()
    await confirm(context, 'Leave the mesh? This node needs a new invite to come back.', yes)
    const { schema: _schema, ...left } = await client.node.leave()
    await waitForEnd(context, pid)
    context.output.done(left, `This node has left the mesh ${left.mesh} and has stopped.`)
    return EXIT.done
  },
})
