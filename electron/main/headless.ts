/** `--headless`: the node and its web console, run by the Node.js that comes with the app; no window, no tray. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { findRuntime } from '../core/runtime.ts'

/** @returns the exit code, once the node has ended */
export function runHeadless(root: string): Promise<number> {
  const runtime = findRuntime(root, {
    ...{ platform: process.platform, arch: process.arch, exists: existsSync },
    systemNode: () => {
      const { stdout, status } = spawnSync('node', ['-p', 'process.versions.node'], { encoding: 'utf8' })
      return status === 0 ? stdout.trim() : undefined
    },
  })
  if (typeof runtime !== 'string') {
    process.stderr.write(`${runtime.message} ${runtime.hint}\n`)
    return Promise.resolve(1)
  }
  const child = spawn(runtime, [join(root, 'dist/node-core/cli.js'), 'up', '--foreground', '--console'], {
    stdio: 'inherit',
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill(signal))
  }
  return new Promise((resolve) => {
    child.once('error', (error) => {
      process.stderr.write(`${runtime} cannot be started: ${error.message}\n`)
      resolve(1)
    })
    child.once('exit', (code) => resolve(code ?? 1))
  })
}
