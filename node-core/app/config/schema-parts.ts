import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { parseMaintenance } from '../../mapek/guards/maintenance.ts'
import { parseDuration } from '../../platform/duration.ts'

export const HOUR_MS = 3_600_000

/** Every message says what is expected; where it stands and what was found is added by whoever knows the file. */
export const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `expected ${values.slice(0, -1).join(', ')} or ${values.at(-1)}` })

export function whole(min: number, max: number, of: string) {
  const error = `expected a whole number of ${of} from ${min} to ${max}`
  return z.int({ error }).min(min, { error }).max(max, { error })
}

export function duration(minMs: number, maxMs: number, limits: string) {
  return z.string({ error: 'expected a duration such as 24h or 7d' }).transform((raw, context) => {
    const result = parseDuration(raw)
    if (result.ok && result.ms >= minMs && result.ms <= maxMs) return result.ms
    context.addIssue({
      code: 'custom',
      message: result.ok ? `expected a duration ${limits}` : result.problem,
    })
    return z.NEVER
  })
}

export const section = 'expected a section with settings in it'

export const isLoopback = (host: string): boolean =>
  host === '::1' || host === '[::1]' || host === 'localhost' || /^127(?:\.[0-9]{1,3}){3}$/.test(host)

const WINDOW_ERROR = 'expected a time of the week in UTC such as 02:00-04:00 or sat,sun 22:00-02:00'

/** Times of the week, in UTC. */
export const weeklyWindows = (max: number) =>
  z
    .array(
      z.string({ error: WINDOW_ERROR }).transform((raw, context) => {
        const window = parseMaintenance(raw)
        if (window !== undefined) return window
        context.addIssue({ code: 'custom', message: WINDOW_ERROR })
        return z.NEVER
      }),
      { error: WINDOW_ERROR },
    )
    .max(max, { error: `expected at most ${max} windows` })
    .default([])

export const webAddress = z.url({ protocol: /^https?$/, error: 'expected an http or https address' })

/** For what must not cross a network where others can read it. */
export const secureAddress = webAddress.refine(
  (raw) => {
    const url = URL.parse(raw)
    return url?.protocol === 'https:' || isLoopback(url?.hostname ?? '')
  },
  { error: 'expected an https address, or one of this machine' },
)

export const filePath = z
  .string({ error: 'expected the path of a file' })
  .refine((path) => isAbsolute(path), { error: 'expected an absolute path' })
