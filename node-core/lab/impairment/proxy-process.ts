import { createInterface } from 'node:readline'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Random } from '../../platform/random.ts'
import { labFault } from '../faults.ts'
import { createLinkProxy, type LinkProxy } from './link-proxy.ts'
import { type Answer, type Order, orderSchema } from './proxy-orders.ts'

export interface ProxyStreams {
  readonly input: NodeJS.ReadableStream
  readonly output: { write(text: string): unknown }
}

/** All links of a lab, until the input ends: then every connection is reset. */
export async function runProxy(
  deps: { readonly clock: Clock; readonly random: Pick<Random, 'unit'> },
  { input, output }: ProxyStreams,
): Promise<void> {
  const links = new Map<string, LinkProxy>()
  const answer = (value: Answer): void => void output.write(`${JSON.stringify(value)}\n`)
  const carryOut = async (order: Order): Promise<void> => {
    try {
      answer({ id: order.id, ok: true, ...(await perform(deps, links, order)) })
    } catch (error) {
      answer({ id: order.id, ok: false, error: messageOf(error) })
    }
  }
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    // Not one after the other: a link whose port is taken for a moment must not keep the others waiting.
    void carryOut(orderSchema.parse(JSON.parse(line)))
  }
  await Promise.all([...links.values()].map((link) => link.close()))
}

async function perform(
  deps: { readonly clock: Clock; readonly random: Pick<Random, 'unit'> },
  links: Map<string, LinkProxy>,
  order: Order,
): Promise<Pick<Extract<Answer, { ok: true }>, 'port' | 'stats'>> {
  if (order.op === 'stats') {
    return { stats: Object.fromEntries([...links].map(([name, link]) => [name, link.stats()])) }
  }
  if (order.op === 'open') {
    const { seed, targetPort, port } = order
    const link = createLinkProxy(deps, { seed, targetPort, ...(port === undefined ? {} : { port }) })
    links.set(order.link, link)
    return { port: await link.start() }
  }
  const link = links.get(order.link)
  if (link === undefined) {
    throw labFault({ code: 'LAB_IMPAIRMENT', what: order.link }, `the proxy has no link ${order.link}`)
  }
  if (order.op === 'set') await link.set(order.state)
  else if (order.op === 'target') link.retarget(order.targetPort)
  else {
    links.delete(order.link)
    await link.close()
  }
  return {}
}
