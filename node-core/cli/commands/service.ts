import { existsSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { z } from 'zod'
import { defaultHome } from '../../platform/home.ts'
import { currentUid, currentUserName } from '../../platform/user.ts'
import { defineCommand, flag } from '../command.ts'
import { confirm } from '../confirm.ts'
import type { CliContext } from '../context.ts'
import { cliFault, EXIT, usageFault } from '../fault.ts'
import { type ServiceScope, serviceName } from '../service/service-files.ts'
import {
  installService,
  isServiceRunning,
  planService,
  type ServicePlan,
  uninstallService,
} from '../service/service-manager.ts'

const SYSTEM = {
  flags: '--system',
  help: 'of the machine instead of this user; needs root (Linux)',
}
const DRY_RUN = { flags: '--dry-run', help: 'only show what would be done' }
const YES = { flags: '--yes', help: 'do not ask' }

interface Words {
  readonly system: boolean
  readonly passphraseFile?: string | undefined
}

function planFor(context: CliContext, { system, passphraseFile }: Words): ServicePlan {
  if (system && process.platform !== 'linux') throw usageFault('--system is for Linux; leave it out here')
  const home = context.paths.root
  const scope: ServiceScope = system ? { kind: 'system', user: ownerOf(home) } : { kind: 'user' }
  return planService(
    serviceName(home, defaultHome({ ...context.env, X0T_HOME: undefined })),
    {
      home,
      program: context.launcher,
      passphraseFile: passphraseFile === undefined ? undefined : resolve(passphraseFile),
    },
    scope,
    { platform: process.platform, env: context.env, userHome: context.env['HOME'] ?? homedir() },
  )
}

/** A service of the machine still runs as whoever the home belongs to. */
function ownerOf(home: string): string {
  const uid = currentUid()
  const owner = statSync(home, { throwIfNoEntry: false })?.uid ?? uid
  return (owner === uid ? currentUserName() : '') || String(owner)
}

function checkKeystore({ paths }: CliContext, passphraseFile: string | undefined): void {
  if (!existsSync(paths.keystore)) {
    throw cliFault({ code: 'NO_MESH' }, `the home ${paths.root} belongs to no mesh yet`, {
      hint: 'Make a mesh with x0t init, or join one with x0t join, and install the service then.',
    })
  }
  if (existsSync(paths.keyFile)) return
  if (passphraseFile === undefined) {
    throw cliFault(
      { code: 'PASSPHRASE_NEEDED' },
      'the keystore of this home opens with a passphrase, and a service has nobody to ask',
      { hint: 'Put it into a file that only you can read (mode 0600) and give --passphrase-file FILE.' },
    )
  }
  if (!existsSync(passphraseFile)) {
    throw cliFault({ code: 'SECRET_UNREADABLE' }, `there is no passphrase file ${passphraseFile}`)
  }
}

const shown = ({ manager, name, file, install, uninstall }: ServicePlan, isInstall: boolean) => ({
  ...{ manager, name, file },
  commands: (isInstall ? install : uninstall).map((call) => call.join(' ')),
})

const serviceInstallCommand = defineCommand({
  name: 'service install',
  summary: 'start the node of this home with the machine, and again when it fails',
  options: [
    SYSTEM,
    { flags: '--passphrase-file <file>', help: 'where the service reads the passphrase' },
    DRY_RUN,
  ],
  examples: ['x0t service install', 'x0t service install --system --passphrase-file /etc/x0t/passphrase'],
  input: z.object({ system: flag, passphraseFile: z.string().min(1).optional(), dryRun: flag }),
  async run(context, words) {
    checkKeystore(context, words.passphraseFile)
    const plan = planFor(context, words)
    const document = { ...shown(plan, true), content: plan.content }
    if (words.dryRun) {
      const text = `# ${plan.file}\n${plan.content}\n# then\n${document.commands.join('\n')}`
      context.output.data({ dryRun: true, ...document }, () => text)
      return EXIT.done
    }
    await installService(plan)
    context.output.done(
      { dryRun: false, ...document },
      `The node runs as the service ${plan.name} (${plan.file}). It is started with ${words.system ? 'the machine' : 'your session'}.${lingerHint(plan, words.system)}`,
    )
    return EXIT.done
  },
})

const lingerHint = ({ manager }: ServicePlan, system: boolean): string =>
  manager === 'systemd' && !system
    ? '\nFor it to run while you are not logged in: loginctl enable-linger'
    : ''

const serviceUninstallCommand = defineCommand({
  name: 'service uninstall',
  summary: 'stop the service and take its file away; the home stays',
  options: [SYSTEM, DRY_RUN, YES],
  examples: ['x0t service uninstall'],
  input: z.object({ system: flag, dryRun: flag, yes: flag }),
  async run(context, words) {
    const plan = planFor(context, words)
    const document = shown(plan, false)
    if (!existsSync(plan.file)) {
      throw cliFault({ code: 'SERVICE_FAILED' }, `there is no service file ${plan.file}`, {
        hint: words.system
          ? 'Leave --system out if it is your own.'
          : 'Add --system if it is of the machine.',
      })
    }
    if (words.dryRun) {
      context.output.data({ dryRun: true, ...document }, () =>
        [...document.commands, `rm ${plan.file}`].join('\n'),
      )
      return EXIT.done
    }
    await confirm(context, `Stop the service ${plan.name} and remove ${plan.file}?`, words.yes)
    await uninstallService(plan)
    context.output.done(
      { dryRun: false, ...document },
      `The service ${plan.name} is gone. The home ${context.paths.root} is as it was.`,
    )
    return EXIT.done
  },
})

const serviceStatusCommand = defineCommand({
  name: 'service status',
  summary: 'say whether the service is installed and runs; exit code 1 if not',
  options: [SYSTEM],
  examples: ['x0t service status'],
  input: z.object({ system: flag }),
  async run(context, words) {
    const plan = planFor(context, words)
    const installed = existsSync(plan.file)
    const running = installed && (await isServiceRunning(plan))
    const state = installed
      ? running
        ? 'installed and running'
        : 'installed, but not running'
      : 'not installed'
    context.output.data(
      { manager: plan.manager, name: plan.name, file: plan.file, installed, running },
      () => `${plan.name}: ${state} (${plan.file})`,
    )
    return running ? EXIT.done : EXIT.failed
  },
})

export const serviceCommands = [serviceInstallCommand, serviceUninstallCommand, serviceStatusCommand]
