import { systemClock } from '../../platform/clock.ts'
import { systemRandom } from '../../platform/random.ts'
import { runProxy } from '../impairment/proxy-process.ts'

// It ends with its standard input: whatever is sent to the whole terminal is meant for whoever holds the other end.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
process.stdout.on('error', () => {})
await runProxy({ clock: systemClock, random: systemRandom }, { input: process.stdin, output: process.stdout })
process.exit()
