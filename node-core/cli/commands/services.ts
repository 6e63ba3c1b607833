import { z } from 'zod'
import {
  checkSchema,
  nodeRefSchema,
  portSchema,
  serviceNameSchema,
  targetSchema,
} from '../../contract/schemas.ts'
import { defineCommand, wholeNumberText } from '../command.ts'
import { CALL_MS, type CliContext } from '../context.ts'
import { EXIT, type ExitCode, usageFault } from '../fault.ts'
import { renderForwards, renderServices } from '../output/service-tables.ts'

const client = (context: CliContext) => context.connect(context.timeoutMs ?? CALL_MS)

export const exposeCommand = defineCommand({
  name: 'expose',
  summary: 'offer a local TCP service to the mesh',
  arguments: [{ flags: '<name>', help: 'what to call the service' }],
  options: [
    { flags: '--to <host:port>', help: 'where it is reached from here' },
    { flags: '--check <check>', help: 'how to tell that it works: tcp or http:/path' },
  ],
  examples: ['x0t expose web --to 127.0.0.1:8080 --check http:/'],
  input: z.object({
    name: serviceNameSchema,
    to: z.string({ error: 'is missing' }).pipe(targetSchema),
    check: checkSchema.optional(),
  }),
  async run(context, { name, to, check }) {
    const { service } = await client(context).services.expose({ name, target: to, check: check ?? null })
    context.output.done({ service }, `${service.name} is offered to the mesh: ${to}.`)
    return EXIT.done
  },
})

export const unexposeCommand = defineCommand({
  name: 'unexpose',
  summary: 'stop offering a service',
  arguments: [{ flags: '<name>', help: 'of the service' }],
  examples: ['x0t unexpose web'],
  input: z.object({ name: serviceNameSchema }),
  async run(context, { name }) {
    await client(context).services.unexpose({ name })
    context.output.done({ name }, `${name} is no longer offered.`)
    return EXIT.done
  },
})

export const servicesCommand = defineCommand({
  name: 'services',
  summary: 'list the services that this node can see',
  examples: ['x0t services'],
  input: z.object({}),
  async run(context) {
    const { items } = await client(context).services.list()
    context.output.data({ items }, () =>
      items.length === 0
        ? 'No services. Offer one with x0t expose NAME --to HOST:PORT.'
        : renderServices(context.output.paint, items),
    )
    return EXIT.done
  },
})

async function listForwards(context: CliContext): Promise<ExitCode> {
  const { items } = await client(context).forwards.list()
  context.output.data({ items }, () =>
    items.length === 0 ? 'No forwards.' : renderForwards(context.output.paint, items),
  )
  return EXIT.done
}

/** `web` or `web@server`. */
const destinationText = z
  .string()
  .transform((raw) => {
    const at = raw.indexOf('@')
    return at === -1 ? { service: raw, node: null } : { service: raw.slice(0, at), node: raw.slice(at + 1) }
  })
  .pipe(z.object({ service: serviceNameSchema, node: nodeRefSchema.nullable() }))

export const forwardCommand = defineCommand({
  name: 'forward',
  summary: 'make a local port lead to a service of the mesh',
  arguments: [
    { flags: '[port]', help: 'local port, 0 for any free one; without it, the forwards are listed' },
    { flags: '[service]', help: 'NAME, or NAME@NODE for that node alone' },
  ],
  examples: ['x0t forward 8080 web', 'x0t forward 8080 web@server', 'x0t forward'],
  input: z.object({ port: wholeNumberText(0, 65_535).optional(), service: destinationText.optional() }),
  async run(context, { port, service: destination }) {
    if (port === undefined) return listForwards(context)
    if (destination === undefined) throw usageFault('[service] is missing: NAME or NAME@NODE', 'forward')
    const { forward } = await client(context).forwards.add({ port, ...destination })
    const from = forward.node === null ? '' : ` of ${forward.node}`
    context.output.done({ forward }, `${forward.host}:${forward.port} leads to ${forward.service}${from}.`)
    return EXIT.done
  },
})

export const unforwardCommand = defineCommand({
  name: 'unforward',
  summary: 'close a local port that leads to a service',
  arguments: [{ flags: '<port>', help: 'the local port' }],
  examples: ['x0t unforward 8080'],
  input: z.object({ port: wholeNumberText(1, 65_535).pipe(portSchema) }),
  async run(context, { port }) {
    const { service } = await client(context).forwards.remove({ port })
    context.output.done({ port, service }, `Port ${port} no longer leads to ${service}.`)
    return EXIT.done
  },
})
