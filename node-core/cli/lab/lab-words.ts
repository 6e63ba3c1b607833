import { z } from 'zod'
import type { Impairment } from '../../contract/lab.ts'
import { nodeNameSchema } from '../../contract/schemas.ts'
import { durationText, type OptionSpec } from '../command.ts'

/** A lab is called by the same kind of name as a node. */
export const labNameInput = { name: nodeNameSchema.default('default' as z.infer<typeof nodeNameSchema>) }
export const labNameOption: OptionSpec = { flags: '--name <name>', help: 'which lab, if there are several' }

/** `5%`: 0.05. */
export const percentText = z
  .string()
  .regex(/^\d{1,2}(?:\.\d{1,3})?%$/, 'must be a percentage such as 5%')
  .transform((raw) => Number.parseFloat(raw) / 100)
  .refine((rate) => rate <= 0.95, 'must be at most 95%')

const RATE_UNITS = { '': 1, k: 1e3, m: 1e6, g: 1e9 } as const

/** `500k`, `2M`, `1.5MB/s`: bytes per second. */
export const byteRateText = z.string().transform((raw, context) => {
  const [, digits, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)([kmg]?)(?:B(?:\/s)?)?$/i.exec(raw) ?? []
  const scale = RATE_UNITS[unit.toLowerCase() as keyof typeof RATE_UNITS]
  const rate = Number(digits) * scale
  if (rate >= 100 && rate <= 1e12) return rate
  context.addIssue({ code: 'custom', message: 'must be bytes per second from 100 on, such as 500k or 2M' })
  return z.NEVER
})

/** A duration of at most a minute: what a delay may be. */
export const delayText = durationText.refine((ms) => ms <= 60_000, 'must be at most 1m')
export const turnText = durationText.refine((ms) => ms >= 1 && ms <= 3_600_000, 'must be from 1ms to 1h')

const amount = (value: number, unit: string): string => `${Number(value.toFixed(3))} ${unit}`

/** `delay 40 ms, jitter 5 ms`. */
export function describeImpairment(impairment: Impairment): string {
  switch (impairment.kind) {
    case 'cut':
      return 'cut'
    case 'blackhole':
      return 'black hole'
    case 'oneway':
      return 'nothing gets through'
    case 'flap':
      return `flapping, ${amount(impairment.downMs, 'ms')} down and ${amount(impairment.upMs, 'ms')} up`
    case 'delay':
      return `delay ${amount(impairment.ms, 'ms')}${impairment.jitterMs === 0 ? '' : `, jitter ${amount(impairment.jitterMs, 'ms')}`}`
    case 'loss':
      return `loss ${amount(impairment.rate * 100, '%')}`
    case 'throttle':
      return `throttle ${amount(impairment.bytesPerSecond / 1_000, 'kB/s')}`
  }
}
