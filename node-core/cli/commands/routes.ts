import { z } from 'zod'
import { nodeRefSchema } from '../../contract/schemas.ts'
import { defineCommand, noInput } from '../command.ts'
import { CALL_MS } from '../context.ts'
import { EXIT } from '../fault.ts'
import { renderNetcheck, renderRoutes, renderTrace } from '../output/route-tables.ts'

export const routesCommand = defineCommand({
  name: 'routes',
  summary: 'show the ways to the members, cheapest first',
  arguments: [{ flags: '[node]', help: 'only to this one: its name or peer id' }],
  examples: ['x0t routes', 'x0t routes server --json'],
  input: z.object({ node: nodeRefSchema.optional() }),
  async run(context, { node }) {
    const client = context.connect(context.timeoutMs ?? CALL_MS)
    const { items } = await client.routes.list({ node: node ?? null })
    context.output.data({ items }, () => renderRoutes(context.output.paint, items))
    return EXIT.done
  },
})

export const traceCommand = defineCommand({
  name: 'trace',
  summary: 'show the way to a node and back, link by link',
  arguments: [{ flags: '<node>', help: 'its name or peer id' }],
  examples: ['x0t trace server'],
  input: z.object({ node: nodeRefSchema }),
  async run(context, { node }) {
    const trace = await context.connect(context.timeoutMs ?? CALL_MS).routes.trace({ node })
    context.output.data(trace, () => renderTrace(context.output.paint, trace))
    return trace.reached ? EXIT.done : EXIT.failed
  },
})

/** The node gives its neighbour some seconds to connect back. */
const NETCHECK_MS = 20_000

export const netcheckCommand = defineCommand({
  name: 'netcheck',
  summary: 'check how this node is connected, and say what to do; exit code 1 when something is wrong',
  examples: ['x0t netcheck', 'x0t netcheck --json'],
  input: noInput,
  async run(context) {
    const result = await context.connect(context.timeoutMs ?? NETCHECK_MS).node.netcheck()
    context.output.data(result, () => renderNetcheck(context.output.paint, result))
    return result.ok ? EXIT.done : EXIT.failed
  },
})
