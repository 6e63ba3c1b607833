import { z } from 'zod'
import { roleSchema } from '../../contract/schemas.ts'
import { defineCommand, flag } from '../command.ts'
import { CALL_MS } from '../context.ts'
import { EXIT } from '../fault.ts'
import { browserCommand, openPrivately } from '../open-link.ts'

export const consoleCommand = defineCommand({
  name: 'console',
  summary: 'open the console of this node in a browser',
  options: [
    { flags: '--print', help: 'print the link instead; it works once, and for a minute' },
    { flags: '--role <role>', help: 'what the browser may do: viewer, operator, admin or owner (default)' },
  ],
  examples: ['x0t console', 'x0t console --print --role viewer'],
  input: z.object({
    print: flag,
    role: roleSchema
      .exclude(['none'], { error: 'must be viewer, operator, admin or owner' })
      .nullable()
      .default(null),
  }),
  async run(context, { print, role }) {
    const { schema: _schema, ...link } = await context
      .connect(context.timeoutMs ?? CALL_MS)
      .console.link({ role })
    const browser = print || context.output.json ? undefined : browserCommand(process.platform, context.env)
    if (browser !== undefined && (await openPrivately(link.url, context.paths, browser))) {
      context.output.done(link, 'The console opens in your browser.')
      return EXIT.done
    }
    context.output.data(link, () => link.url)
    context.output.note('The link works once, and for a minute. Nobody else should see it.')
    return EXIT.done
  },
})
