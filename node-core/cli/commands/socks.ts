import { z } from 'zod'
import { portSchema } from '../../contract/schemas.ts'
import { defineCommand, wholeNumberText } from '../command.ts'
import { CALL_MS, type CliContext } from '../context.ts'
import { EXIT, type ExitCode } from '../fault.ts'
import { renderSocks } from '../output/service-tables.ts'

const client = (context: CliContext) => context.connect(context.timeoutMs ?? CALL_MS)

async function listSocks(context: CliContext): Promise<ExitCode> {
  const { items } = await client(context).socks.list()
  context.output.data({ items }, () =>
    items.length === 0 ? 'No SOCKS5 ports.' : renderSocks(context.output.paint, items),
  )
  return EXIT.done
}

export const socksCommand = defineCommand({
  name: 'socks',
  summary: 'serve SOCKS5 on a local port, for NAME.mesh and NAME.NODE.mesh',
  arguments: [{ flags: '[port]', help: 'local port, 0 for any free one; without it, the ports are listed' }],
  examples: ['x0t socks 1080', 'x0t socks'],
  input: z.object({ port: wholeNumberText(0, 65_535).optional() }),
  async run(context, { port }) {
    if (port === undefined) return listSocks(context)
    const { socks } = await client(context).socks.add({ port })
    context.output.done(
      { socks },
      `${socks.host}:${socks.port} serves SOCKS5. Try: curl --socks5-hostname ${socks.host}:${socks.port} http://NAME.mesh/`,
    )
    return EXIT.done
  },
})

export const unsocksCommand = defineCommand({
  name: 'unsocks',
  summary: 'close a local SOCKS5 port',
  arguments: [{ flags: '<port>', help: 'the local port' }],
  examples: ['x0t unsocks 1080'],
  input: z.object({ port: wholeNumberText(1, 65_535).pipe(portSchema) }),
  async run(context, { port }) {
    await client(context).socks.remove({ port })
    context.output.done({ port }, `Port ${port} no longer serves SOCKS5.`)
    return EXIT.done
  },
})
