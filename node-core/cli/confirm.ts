import type { CliContext } from './context.ts'
import { cliFault } from './fault.ts'
import { askLine } from './secrets/prompt.ts'

/**
 * Asks a person before something final. Where nobody can be asked, the command line itself is the answer.
 *
 * @throws FaultError DECLINED, INTERRUPTED
 */
export async function confirm(context: CliContext, question: string, yes: boolean): Promise<void> {
  if (yes || context.output.json || !context.terminal.interactive) return
  const answer = await askLine(context.terminal, `${question} [y/N] `, {
    echo: true,
    signal: context.interrupts.signal,
  })
  if (/^y(es)?$/i.test(answer.trim())) return
  throw cliFault({ code: 'DECLINED' }, 'nothing was changed')
}
