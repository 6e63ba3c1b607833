import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../platform/error.ts'
import { currentUid } from '../../platform/user.ts'
import { cliFault } from '../fault.ts'
import {
  launchdLabel,
  launchdPlist,
  type ServiceScope,
  type ServiceSpec,
  systemdUnit,
  windowsTask,
} from './service-files.ts'
import { writeWhole } from './write-whole.ts'

/** One service file, and what is said to the system's service manager about it. */
export interface ServicePlan {
  readonly manager: 'systemd' | 'launchd' | 'task-scheduler'
  readonly name: string
  readonly file: string
  readonly content: string
  readonly encoding: 'utf8' | 'utf16le'
  readonly install: readonly Call[]
  readonly uninstall: readonly Call[]
  /** Exits 0 while the service runs. */
  readonly probe: Call
}

type Call = readonly [program: string, ...args: string[]]

export interface ServiceSurroundings {
  readonly platform: NodeJS.Platform
  readonly env: Readonly<Record<string, string | undefined>>
  readonly userHome: string
}

/** How the service of a home is set up on this system. Changes nothing. */
export function planService(
  name: string,
  spec: ServiceSpec,
  scope: ServiceScope,
  { platform, env, userHome }: ServiceSurroundings,
): ServicePlan {
  if (platform === 'darwin') return launchdPlan(name, spec, userHome)
  if (platform === 'win32') return windowsPlan(name, spec)
  const isSystem = scope.kind === 'system'
  const config = env['XDG_CONFIG_HOME'] ?? join(userHome, '.config')
  const folder = isSystem ? '/etc/systemd/system' : join(config, 'systemd', 'user')
  const unit = `${name}.service`
  const systemctl = (...args: readonly string[]): Call => [
    'systemctl',
    ...(isSystem ? [] : ['--user']),
    ...args,
  ]
  return {
    ...{ manager: 'systemd', name, encoding: 'utf8' },
    file: join(folder, unit),
    content: systemdUnit(spec, scope),
    install: [systemctl('daemon-reload'), systemctl('enable', '--now', unit)],
    uninstall: [systemctl('disable', '--now', unit)],
    probe: systemctl('is-active', '--quiet', unit),
  }
}

function launchdPlan(name: string, spec: ServiceSpec, userHome: string): ServicePlan {
  const label = launchdLabel(name)
  const file = join(userHome, 'Library', 'LaunchAgents', `${label}.plist`)
  const domain = `gui/${currentUid()}`
  return {
    ...{ manager: 'launchd', name, file, encoding: 'utf8' },
    content: launchdPlist(name, spec),
    install: [['launchctl', 'bootstrap', domain, file]],
    uninstall: [['launchctl', 'bootout', `${domain}/${label}`]],
    probe: ['launchctl', 'print', `${domain}/${label}`],
  }
}

function windowsPlan(name: string, spec: ServiceSpec): ServicePlan {
  const file = join(spec.home, `${name}-task.xml`)
  return {
    ...{ manager: 'task-scheduler', name, file, encoding: 'utf16le' },
    content: windowsTask(spec),
    install: [
      ['schtasks', '/Create', '/TN', name, '/XML', file, '/F'],
      ['schtasks', '/Run', '/TN', name],
    ],
    uninstall: [
      ['schtasks', '/End', '/TN', name],
      ['schtasks', '/Delete', '/TN', name, '/F'],
    ],
    probe: ['schtasks', '/Query', '/TN', name],
  }
}

const CALL_MS = 120_000
const run = promisify(execFile)

/**
 * Writes the service file and starts the service. What was there before comes back when the service manager refuses.
 *
 * @throws FaultError SERVICE_FAILED
 */
export async function installService(plan: ServicePlan): Promise<void> {
  const before = existsSync(plan.file) ? readFileSync(plan.file) : undefined
  try {
    mkdirSync(dirname(plan.file), { recursive: true })
    writeWhole(plan.file, Buffer.from(plan.content, plan.encoding))
    for (const call of plan.install) await say(call)
  } catch (error) {
    if (before === undefined) rmSync(plan.file, { force: true })
    else writeWhole(plan.file, before)
    throw error
  }
}

/** Stops the service and takes its file away. The home stays as it is. */
export async function uninstallService(plan: ServicePlan): Promise<void> {
  for (const call of plan.uninstall) await say(call)
  rmSync(plan.file, { force: true })
  if (plan.manager === 'systemd') await say(plan.install[0] ?? plan.probe)
}

export async function isServiceRunning({ probe: [program, ...args] }: ServicePlan): Promise<boolean> {
  try {
    await run(program, args, { timeout: CALL_MS })
    return true
  } catch {
    return false
  }
}

async function say([program, ...args]: Call): Promise<void> {
  try {
    await run(program, args, { timeout: CALL_MS })
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    throw cliFault(
      { code: 'SERVICE_FAILED' },
      `${[program, ...args].join(' ')} failed: ${stderr || messageOf(error)}`,
      {
        hint: missing
          ? `This system has no ${program}. Look at the file with x0t service install --dry-run and set it up by hand.`
          : 'Nothing was left half installed. Mend what it says and try again; --dry-run shows what would be done.',
      },
    )
  }
}
