/**
 * npm run demo
 *
 * Two stories in plain words, with real processes on this machine: how three machines become a mesh, and how a file
 * crosses a ring of six while the links under it break. `npm run demo -- ring` tells the second one alone, `-- mesh` the
 * first. Nothing of it is left, also after Ctrl-C or a crash.
 */
import { spawn } from 'node:child_process'
import { access } from 'node:fs/promises'
import { makeLab } from '../helpers/lab.ts'
import { createMeshFixture, X0T } from '../helpers/x0t.ts'
import { ringOfSix } from './ring-of-six.ts'
import { slowLink } from './slow-link.ts'
import { act, say } from './tell.ts'
import { threeMachines } from './three-machines.ts'

async function build(): Promise<void> {
  try {
    await access(X0T)
  } catch {
    say('Building first, because dist/x0t is not there yet ...')
    const child = spawn('npm', ['run', '--silent', 'build'], { stdio: 'inherit' })
    await new Promise<void>((resolve, reject) =>
      child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error('the build failed')))),
    )
  }
}

const closers: (() => Promise<void>)[] = []
const STORIES = {
  async mesh() {
    act('Three machines become a mesh')
    const mesh = await createMeshFixture()
    closers.push(mesh.stop)
    await threeMachines(mesh)
    say(
      '\nA file went through a mesh that admits only its members, and a member that was revoked was cut off.',
    )
  },
  async ring() {
    act('A file crosses a ring of six while its links break')
    const lab = await makeLab('ring:6')
    closers.push(() => lab.stop())
    await ringOfSix(lab)
    say('\nTwo links broke under one transfer. curl and the web server noticed nothing.')
  },
  async heal() {
    act('A line becomes slow, and the mesh repairs it by itself')
    const lab = await makeLab('ring:6')
    closers.push(() => lab.stop())
    await slowLink(lab)
    say('\nThe loop called it healed only after traffic had gone around the line from both ends.')
  },
}

let ending = false
async function end(code: number): Promise<void> {
  if (ending) return
  ending = true
  say('\nCleaning up: stopping the nodes and removing their homes ...')
  for (const close of closers.splice(0).toReversed()) await close()
  process.exit(code)
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void end(130))
try {
  const [wanted] = process.argv.slice(2)
  if (wanted !== undefined && !Object.hasOwn(STORIES, wanted)) throw new Error(`there is no story ${wanted}`)
  await build()
  for (const [name, tell] of Object.entries(STORIES)) {
    if (wanted !== undefined && name !== wanted) continue
    await tell()
    for (const close of closers.splice(0).toReversed()) await close()
  }
  say('\nDone.')
  await end(0)
} catch (error) {
  if (!ending) {
    console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`)
    await end(1)
  }
}
