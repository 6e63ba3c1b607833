import { z } from 'zod'

/**
 * The first message on a MessagePort between the desktop app and its page. After `open` the port carries the contract;
 * after `down` it closes, and the page asks again.
 */
export const lineHelloSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('open') }),
  z.strictObject({
    kind: z.literal('down'),
    problem: z.strictObject({ code: z.string().max(64), message: z.string(), hint: z.string() }),
  }),
])
export type LineHello = z.infer<typeof lineHelloSchema>

/** What the page's window carries from the preload script to the page, with the port. */
export const LINE_MESSAGE = 'x0t:node-port'
