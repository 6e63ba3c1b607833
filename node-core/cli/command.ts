import { z } from 'zod'
import { parseDuration } from '../platform/duration.ts'
import type { CliContext } from './context.ts'
import { type ExitCode, usageFault } from './fault.ts'

/** `<node>` is required, `[node]` is not. */
export interface ArgumentSpec {
  readonly flags: string
  readonly help: string
}

/** As commander writes it: `--role <role>`, `-c, --count <n>`. */
export type OptionSpec = ArgumentSpec

interface CommandText {
  readonly name: string
  readonly summary: string
  readonly arguments?: readonly ArgumentSpec[]
  readonly options?: readonly OptionSpec[]
  /** Whole command lines; each help shows at least one. */
  readonly examples: readonly [string, ...string[]]
}

export interface Command extends CommandText {
  /** @throws FaultError USAGE when the words are not what the command takes. */
  run(context: CliContext, words: Readonly<Record<string, unknown>>): Promise<ExitCode>
}

interface CommandDefinition<S extends z.ZodType> extends CommandText {
  /** Of the arguments and options by their names in camel case. */
  readonly input: S
  run(context: CliContext, input: z.infer<S>): Promise<ExitCode>
}

/** A command from its words, the schema that judges them, and what it does. */
export function defineCommand<S extends z.ZodType>(definition: CommandDefinition<S>): Command {
  return {
    ...definition,
    async run(context, words) {
      const parsed = definition.input.safeParse(words)
      if (!parsed.success) throw usageFault(problemOf(parsed.error, definition), definition.name)
      return definition.run(context, parsed.data)
    },
  }
}

function problemOf(error: z.ZodError, text: CommandText): string {
  const issue = error.issues[0]
  const key = String(issue?.path[0] ?? '')
  return `${wordOf(key, text)} ${issue?.message ?? 'is not valid'}`.trim()
}

/** How a person wrote the key: `role` is `--role`, `node` is `<node>`. */
function wordOf(key: string, { arguments: args = [], options = [] }: CommandText): string {
  const kebab = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  if (options.some(({ flags }) => new RegExp(`--${kebab}\\b`).test(flags))) return `--${kebab}`
  return args.find(({ flags }) => flags.slice(1, -1) === kebab)?.flags ?? kebab
}

/** `30s`, `24h`: milliseconds. */
export const durationText = z.string().transform((raw, ctx) => {
  const parsed = parseDuration(raw)
  if (parsed.ok) return parsed.ms
  ctx.addIssue({ code: 'custom', message: `'${raw}' ${parsed.problem}` })
  return z.NEVER
})

/** A whole number in digits, nothing else: `12`, not `1e1` and not `0x0c`. */
export function wholeNumberText(min: number, max: number) {
  return z
    .string()
    .regex(/^[0-9]{1,9}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error: `must be from ${min} to ${max}` })
}

export const flag = z.boolean().default(false)
export const noInput = z.object({})
