import { z } from 'zod'
import { INVITE_MAX_MS, INVITE_MIN_MS } from '../../contract/contract.ts'
import { roleSchema } from '../../contract/schemas.ts'
import { ROLES } from '../../domain/role.ts'
import { defineCommand, durationText, flag } from '../command.ts'
import { CALL_MS } from '../context.ts'
import { EXIT } from '../fault.ts'
import { renderQr } from '../output/qr.ts'
import { formatFromNow, formatMoment } from '../output/time.ts'

export const inviteCommand = defineCommand({
  name: 'invite',
  summary: 'make a one-time invite; the token alone goes to stdout',
  options: [
    { flags: '--role <role>', help: `role of the new node: ${ROLES.join(', ')} (default: viewer)` },
    { flags: '--expires <duration>', help: 'how long the invite is good for (default: 24h)' },
    { flags: '--approve', help: 'an operator has to approve the machine that uses it' },
  ],
  examples: ['x0t invite --role operator --expires 1h', 'x0t invite > invite.txt'],
  input: z.object({
    role: z.enum(roleSchema.options, { error: `must be one of ${ROLES.join(', ')}` }).default('viewer'),
    expires: durationText
      .refine((ms) => ms >= INVITE_MIN_MS && ms <= INVITE_MAX_MS, { error: 'must be from 1m to 30d' })
      .default(24 * 3_600_000),
    approve: flag,
  }),
  async run(context, { role, expires, approve }) {
    const { output } = context
    const invite = await context
      .connect(context.timeoutMs ?? CALL_MS)
      .invites.create({ role, expiresMs: expires, approve })
    output.data(invite, () => invite.token)
    // What is piped somewhere is the token; only a person wants the rest.
    if (!output.interactive || output.json) return EXIT.done
    output.note(renderQr(invite.token, output.columns) ?? 'The terminal is too narrow for the QR code.')
    output.note(
      [
        `One machine can join with this token, as ${invite.role}, until ${formatMoment(invite.expiresAt)}` +
          ` (${formatFromNow(invite.expiresAt, context.now())}).`,
        ...(invite.approve ? ['You will have to approve it: x0t approve shows who waits.'] : []),
        'On that machine: x0t join TOKEN --name NAME',
        `Fingerprint of the mesh: ${invite.fingerprint}`,
        `Whoever has the token can join: treat it like a password. Id: ${invite.id}`,
      ].join('\n'),
    )
    return EXIT.done
  },
})
