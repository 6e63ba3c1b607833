import { z } from 'zod'
import { defineCommand } from '../command.ts'
import { COMPLETION_SCRIPTS, SHELLS } from '../completion/scripts.ts'
import { EXIT } from '../fault.ts'

export const completionCommand = defineCommand({
  name: 'completion',
  summary: 'print what makes a shell complete the words of x0t',
  arguments: [{ flags: '<shell>', help: SHELLS.join(', ') }],
  examples: ['x0t completion bash > ~/.local/share/bash-completion/completions/x0t', 'x0t completion fish'],
  input: z.object({ shell: z.enum(SHELLS, { error: `must be one of ${SHELLS.join(', ')}` }) }),
  async run({ output }, { shell }) {
    const script = COMPLETION_SCRIPTS[shell]
    output.data({ shell, script }, () => script.trimEnd())
    return EXIT.done
  },
})
