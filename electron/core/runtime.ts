/** The Node.js that runs the node. Electron's own has no ChaCha20-Poly1305 and its fuses forbid it, see docs/adr. */
import { join } from 'node:path'
import type { Problem } from './messages.ts'

/** What is looked at of the machine. */
export interface Machine {
  readonly platform: string
  readonly arch: string
  exists(path: string): boolean
  /** The version of the `node` on the path, `24.1.0`; undefined when there is none. */
  systemNode(): string | undefined
}

const NEEDED = [22, 19] as const

/** @param root the folder that holds `node_modules`, or its copy beside the asar. */
export function findRuntime(root: string, machine: Machine): string | Problem {
  const system = machine.platform === 'win32' ? 'win' : machine.platform
  const program = machine.platform === 'win32' ? 'node.exe' : 'node'
  const shipped = join(root, 'node_modules', `node-${system}-${machine.arch}`, 'bin', program)
  if (machine.exists(shipped)) return shipped
  const version = machine.systemNode()
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number)
  if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) return 'node'
  return {
    code: 'NO_RUNTIME',
    message: `No Node.js was found that can run the node: ${shipped} is missing and the system has ${version ?? 'none'}.`,
    hint: `Install Node.js ${NEEDED.join('.')} or newer, or the package of this app for your system.`,
  }
}
