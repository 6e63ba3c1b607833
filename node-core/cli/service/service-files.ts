import { createHash } from 'node:crypto'
import { basename, join } from 'node:path'

/** What a service has to know of the node that it runs. All paths are absolute. */
export interface ServiceSpec {
  /** The x0t launcher. */
  readonly program: string
  readonly home: string
  readonly passphraseFile: string | undefined
}

/** Whose service it is: of one user, or of the machine, whatever user the home belongs to. */
export type ServiceScope = { readonly kind: 'user' } | { readonly kind: 'system'; readonly user: string }

/** The node says at least this often that it lives, or it is started again. */
const WATCHDOG_SECONDS = 60

/** One service per home: `x0t` for the default home, and a name of its own for any other. */
export function serviceName(home: string, defaultHome: string): string {
  if (home === defaultHome) return 'x0t'
  const label =
    basename(home)
      .replace(/[^A-Za-z0-9-]/g, '-')
      .slice(0, 32) || 'home'
  return `x0t-${label}-${createHash('sha256').update(home).digest('hex').slice(0, 8)}`
}

const wordsOf = ({ home, passphraseFile }: ServiceSpec): readonly string[] => [
  ...['--home', home, 'up', '--foreground', '--headless'],
  ...(passphraseFile === undefined ? [] : ['--passphrase-file', passphraseFile]),
]

/**
 * A unit file. The node needs no privilege at all: it listens above port 1023, and writes to its home alone. Memory stays
 * writable and executable together, because V8 compiles at run time.
 */
export function systemdUnit(spec: ServiceSpec, scope: ServiceScope): string {
  const isSystem = scope.kind === 'system'
  const command = [spec.program, ...wordsOf(spec)].map(systemdQuoted).join(' ')
  return `[Unit]
Description=x0tta6bl4 mesh node (${systemdText(spec.home)})
After=network-online.target
Wants=network-online.target
# A node that fails for an hour is still wanted afterwards.
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
ExecStart=${command}
${isSystem ? `User=${scope.user}\n` : ''}Restart=on-failure
RestartSec=5
WatchdogSec=${WATCHDOG_SECONDS}
TimeoutStartSec=90
TimeoutStopSec=30
UMask=0077
LimitNOFILE=65536
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
${isSystem ? systemOnly(spec) : ''}
[Install]
WantedBy=${isSystem ? 'multi-user.target' : 'default.target'}
`
}

/** What needs root to set up, and so is not there for a user's own service. */
const systemOnly = ({ home }: ServiceSpec): string => `CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ReadWritePaths=${systemdQuoted(home)}
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
`

/** systemd.syntax(7): quotes, backslashes and percent signs mean something. */
const systemdQuoted = (word: string): string =>
  `"${word.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`
const systemdText = (text: string): string => text.replaceAll('%', '%%').replace(/[\r\n]/g, ' ')

const xml = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.codePointAt(0)};`)

/** A property list for launchd: started at login, and again whenever it ends badly. */
export function launchdPlist(name: string, spec: ServiceSpec): string {
  const words = [spec.program, ...wordsOf(spec)].map((word) => `    <string>${xml(word)}</string>`)
  const log = xml(join(spec.home, 'logs', 'service.log'))
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>${xml(launchdLabel(name))}</string>
  <key>ProgramArguments</key>
  <array>
${words.join('\n')}
  </array>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
  <key>ThrottleInterval</key><integer>10</integer>
  <key>ProcessType</key><string>Background</string>
  <key>Umask</key><integer>63</integer>
  <key>StandardOutPath</key><string>${log}</string>
  <key>StandardErrorPath</key><string>${log}</string>
</dict>
</plist>
`
}

export const launchdLabel = (name: string): string => `org.x0tta6bl4.${name}`

/** A task for Windows: a service proper would need a program that speaks to the service manager. */
export function windowsTask(spec: ServiceSpec): string {
  const words = wordsOf(spec)
    .map((word) => `"${word.replaceAll('"', '\\"')}"`)
    .join(' ')
  return `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.4" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>x0tta6bl4 mesh node (${xml(spec.home)})</Description></RegistrationInfo>
  <Triggers><LogonTrigger><Enabled>true</Enabled></LogonTrigger></Triggers>
  <Principals><Principal id="Author"><LogonType>InteractiveToken</LogonType><RunLevel>LeastPrivilege</RunLevel></Principal></Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure><Interval>PT1M</Interval><Count>255</Count></RestartOnFailure>
  </Settings>
  <Actions Context="Author"><Exec><Command>${xml(spec.program)}</Command><Arguments>${xml(words)}</Arguments></Exec></Actions>
</Task>
`
}
