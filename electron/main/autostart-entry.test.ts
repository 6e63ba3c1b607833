import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { autostartEntry } from './autostart-entry.ts'

describe('the entry that starts the app at login', () => {
  it('names the program and its words', () => {
    expect(autostartEntry('/opt/x0t/x0tta6bl4', ['--hidden'])).toContain(
      '\nExec="/opt/x0t/x0tta6bl4" "--hidden"\n',
    )
  })

  it('keeps a path with signs that mean something there in one piece', () => {
    const exec = /^Exec=(.*)$/m.exec(autostartEntry('/opt/my "x0t" $HOME `id` 100%/x\\y', []))?.[1] ?? ''
    // Quoted words of the specification mean the same to a shell, apart from the doubled percent sign.
    const { stdout } = spawnSync('sh', ['-c', `printf %s ${exec}`], { encoding: 'utf8' })
    expect(stdout.replaceAll('%%', '%')).toBe('/opt/my "x0t" $HOME `id` 100%/x\\y')
  })

  it('takes no second line from a path', () => {
    expect(() => autostartEntry('/opt/a\nExec=evil', [])).toThrow(/line/)
  })
})
