import { describe, expect, it } from 'vitest'
import { meshesDirectory } from '../platform/home.ts'
import { parseCommandLine } from './program.ts'
import { COMMANDS } from './run.ts'

function read(...argv: string[]) {
  const parsed = parseCommandLine(COMMANDS, argv)
  if (parsed.kind !== 'run') throw new Error('that was a command')
  return parsed
}

describe('--mesh in front of a command', () => {
  it('names one of several meshes, with a home of its own beside the default one', () => {
    expect(read('--mesh', 'work', 'status').globals).toEqual({ mesh: 'work' })
    expect(read('--mesh=work', '--json', 'status').globals).toMatchObject({ mesh: 'work', json: true })
    expect(read('--timeout', '5s', '--mesh', 'work', 'status').globals.mesh).toBe('work')
    expect(read('status').globals.mesh).toBeUndefined()
    expect(meshesDirectory({ XDG_DATA_HOME: '/d', X0T_HOME: '/x' }, 'linux')).toBe('/d/x0t-meshes')
  })

  it('is another one than that of init, which names the mesh to be made', () => {
    const init = read('--mesh', 'work', 'init', '--mesh', 'office', '--name', 'laptop')
    expect(init.globals.mesh).toBe('work')
    expect(init.words).toMatchObject({ mesh: 'office', name: 'laptop' })
    expect(read('init', '--mesh', 'office', '--name', 'laptop').globals.mesh).toBeUndefined()
  })
})
