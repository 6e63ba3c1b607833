import { expect, it } from 'vitest'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import type { LogLevel } from '../../platform/logger.ts'
import { createLogLevel } from './log-level.ts'

function scene() {
  const clock = createManualClock()
  const levels: LogLevel[] = []
  const control = createLogLevel(
    { clock, log: { setLevel: (level: LogLevel) => void levels.push(level) } },
    'info',
  )
  return { clock, levels, control }
}

it('is another one at once, for as long as it is wanted', () => {
  const { clock, levels, control } = scene()
  expect(control.set('trace', 60_000)).toEqual({
    ...{ level: 'trace', configured: 'info', until: clock.now() + 60_000 },
  })
  clock.advance(30_000)
  control.set('debug', 60_000)
  clock.advance(59_999)
  expect(levels).toEqual(['trace', 'debug'])
  clock.advance(1)
  expect(levels).toEqual(['trace', 'debug', 'info'])
  expect(control.state()).toEqual({ level: 'info', configured: 'info', until: undefined })
  control.set('error', undefined)
  clock.advance(86_400_000)
  expect(control.state()).toMatchObject({ level: 'error', until: undefined })
})

it('follows the settings when they name another one, and only then', () => {
  const { clock, levels, control } = scene()
  control.set('trace', 60_000)
  control.configure('info')
  expect(control.state().level).toBe('trace')
  control.configure('warn')
  expect(control.state()).toEqual({ level: 'warn', configured: 'warn', until: undefined })
  clock.advance(60_000)
  expect(levels).toEqual(['trace', 'warn'])
})
