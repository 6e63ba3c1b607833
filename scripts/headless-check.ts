/** Whether a headless package works where nothing else of the project is. */
import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { extract } from 'tar'

const run = promisify(execFile)
const LIMIT_MS = 60_000
/** A user without a name, as in a container, who may write nothing of the package; only root can become one. */
const NOBODY = 54_321
const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}

/** Unpacks it, founds a mesh, starts the node, asks it whether it lives, and stops it. @throws Error where any of that fails */
export async function tryOut(archive: string, name: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'x0t-try-'))
  const home = join(folder, 'home')
  // No Node.js of the machine: the package has to bring its own.
  const env = { PATH: '/usr/bin:/bin', HOME: home, X0T_HOME: home }
  const x0t = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await run(join(folder, name, 'x0t'), args, {
      ...user,
      env,
      cwd: '/',
      timeout: LIMIT_MS,
    })
    return stdout
  }
  try {
    await extract({ file: archive, cwd: folder })
    await chmod(folder, 0o755)
    await mkdir(home, { mode: 0o700 })
    if (user.uid !== undefined) await chown(home, user.uid, user.gid)
    await x0t('version')
    await x0t('init', '--mesh', 'try', '--name', 'try')
    await x0t('up', '--listen', '/ip4/127.0.0.1/tcp/0')
    try {
      await x0t('status', '--check', 'live')
    } finally {
      await x0t('down')
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
