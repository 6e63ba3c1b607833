import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { createServiceNotifier } from './notify.ts'
import { launchdPlist, serviceName, systemdUnit, windowsTask } from './service-files.ts'
import { installService, planService, uninstallService } from './service-manager.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'x0t-service-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const spec = (home = folder) => ({ program: '/bin/true', home, passphraseFile: undefined })

describe('service files', () => {
  it('have a name of their own for each home, and x0t for the default one', () => {
    expect(serviceName('/home/a/x0t', '/home/a/x0t')).toBe('x0t')
    const [one, two] = [serviceName('/srv/a/mesh', '/x'), serviceName('/srv/b/mesh', '/x')]
    expect(one).toMatch(/^x0t-mesh-[0-9a-f]{8}$/)
    expect(two).not.toBe(one)
    expect(serviceName('/srv/ü$(reboot)', '/x')).toMatch(/^x0t-[A-Za-z0-9-]+$/)
  })

  it.each([
    ['of a user', { kind: 'user' } as const],
    ['of the machine', { kind: 'system', user: 'nobody' } as const],
  ])('%s are units that systemd takes without a word', (_name, scope) => {
    const unit = join(folder, 'x0t.service')
    writeFileSync(unit, systemdUnit(spec(), scope))
    const output = execFileSync('systemd-analyze', ['verify', '--man=no', unit], {
      encoding: 'utf8',
      stdio: 'pipe',
    })
    expect(output).toBe('')
  })

  it('keep a home with strange signs in one word', () => {
    const home = '/srv/100% "mine" $HOME <x>'
    expect(systemdUnit(spec(home), { kind: 'user' })).toContain(
      String.raw`"--home" "/srv/100%% \"mine\" $$HOME <x>" "up"`,
    )
    expect(launchdPlist('x0t', spec(home))).toContain(
      '<string>/srv/100% &#34;mine&#34; $HOME &#60;x&#62;</string>',
    )
    expect(windowsTask(spec(home))).toContain('&#60;x&#62;')
    expect(windowsTask(spec(home))).not.toContain('<x>')
  })
})

describe('installing a service', () => {
  /** Stands in for systemctl where no systemd runs: writes down what it is told, and fails when told to. */
  const fakeSystemctl = (exit = 0): string => {
    const log = join(folder, 'said')
    writeFileSync(join(folder, 'systemctl'), `#!/bin/sh\necho "$@" >> '${log}'\nexit ${exit}\n`)
    chmodSync(join(folder, 'systemctl'), 0o755)
    return log
  }
  const withPath = async (work: () => Promise<void>): Promise<void> => {
    const path = process.env['PATH']
    process.env['PATH'] = `${folder}:${path ?? ''}`
    try {
      await work()
    } finally {
      process.env['PATH'] = path
    }
  }
  const plan = () =>
    planService('x0t', spec(), { kind: 'user' }, { platform: 'linux', env: {}, userHome: folder })

  it('writes the unit, enables it, and takes all of it away again', async () => {
    const log = fakeSystemctl()
    await withPath(async () => {
      await installService(plan())
      expect(plan().file).toBe(join(folder, '.config/systemd/user/x0t.service'))
      expect(readFileSync(plan().file, 'utf8')).toBe(plan().content)
      await uninstallService(plan())
    })
    expect(existsSync(plan().file)).toBe(false)
    expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual([
      '--user daemon-reload',
      '--user enable --now x0t.service',
      '--user disable --now x0t.service',
      '--user daemon-reload',
    ])
  })

  it('leaves the unit of before when systemd refuses', async () => {
    fakeSystemctl(1)
    mkdirSync(join(folder, '.config/systemd/user'), { recursive: true })
    writeFileSync(plan().file, 'before')
    await withPath(async () => {
      await expect(installService(plan())).rejects.toMatchObject({ fault: { code: 'SERVICE_FAILED' } })
    })
    expect(readFileSync(plan().file, 'utf8')).toBe('before')
  })
})

describe('the word to systemd', () => {
  /** A datagram socket like systemd's own, which Node.js cannot open. */
  const RECEIVER = `use Socket; socket(my $s, AF_UNIX, SOCK_DGRAM, 0); bind($s, pack_sockaddr_un($ARGV[0]));
$| = 1; print "listening\\n"; while (defined recv($s, my $m, 4096, 0)) { $m =~ s/\\n/ /g; print "$m\\n" }`

  it('says that the node is ready, and that it lives for as long as it does', async () => {
    const socket = join(folder, 'notify')
    const receiver = spawn('perl', ['-e', RECEIVER, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
    let heard = ''
    receiver.stdout.setEncoding('utf8').on('data', (text: string) => {
      heard += text
    })
    try {
      await eventually('the socket is there', () => heard.includes('listening'), 10_000)
      const notifier = createServiceNotifier({
        ...process.env,
        NOTIFY_SOCKET: socket,
        WATCHDOG_USEC: '200000',
      })
      notifier.ready('up')
      let lives = 3
      let asked = 0
      notifier.watch(async () => {
        asked += 1
        lives -= 1
        return lives >= 0
      })
      await eventually('ready and alive', () => /READY=1/.test(heard) && /WATCHDOG=1/.test(heard), 20_000)
      expect(heard).toContain('STATUS=up')
      await eventually('asked after its end', () => asked > 8, 20_000)
      expect(heard.match(/WATCHDOG=1/g)?.length).toBeLessThanOrEqual(3)
      notifier.stop()
    } finally {
      receiver.kill('SIGKILL')
    }
  })

  it('is silence where nobody listens', () => {
    const notifier = createServiceNotifier({})
    notifier.ready('up')
    notifier.watch(async () => {
      throw new Error('asked')
    })
    notifier.stopping()
    notifier.stop()
  })
})
