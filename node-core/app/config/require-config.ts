import { FaultError } from '../../platform/error.ts'
import { loadConfig } from './config.ts'
import { type ConfigProblem, formatProblem } from './parse-config.ts'
import type { Config } from './schema.ts'

export type ConfigFault = { code: 'CONFIG_INVALID'; problems: readonly ConfigProblem[] }

/**
 * The settings of a home, for a program that cannot go on without them.
 *
 * @throws FaultError CONFIG_INVALID, which names every line that is wrong
 */
export function requireConfig(path: string): Config {
  const result = loadConfig(path)
  if (result.ok) return result.config
  throw new FaultError<ConfigFault>(
    { code: 'CONFIG_INVALID', problems: result.problems },
    `the configuration is not valid:\n${result.problems.map(formatProblem).join('\n')}`,
    { hint: `Mend ${path}, or move it away to use the defaults.` },
  )
}
