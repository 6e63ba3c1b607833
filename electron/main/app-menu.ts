import { Menu, type MenuItemConstructorOptions } from 'electron'
import type { Words } from '../tray/words.ts'
import type { DesktopSettings } from './desktop-settings.ts'

export interface MenuDeps {
  readonly words: Words
  settings(): DesktopSettings
  /** Keeps it and makes the menu anew. */
  change(settings: DesktopSettings): void
  open(page: string): void
  startNode(): void
  quit(): void
}

/** What people choose; any other hours may stand in the file of the settings. */
const QUIET_HOURS = [
  { from: 20, to: 8 },
  { from: 22, to: 7 },
  { from: 23, to: 9 },
] as const

/** The menu of the application, in the system's own form. */
export function setAppMenu(deps: MenuDeps): void {
  const { words } = deps
  const { notices, startAtLogin } = deps.settings()
  const choice = (
    label: string,
    key: 'critical' | 'warning' | 'approvals' | 'recovery',
  ): MenuItemConstructorOptions => ({
    ...{ label, type: 'checkbox', checked: notices[key] },
    click: () => deps.change({ ...deps.settings(), notices: { ...notices, [key]: !notices[key] } }),
  })
  const page = (label: string, to: string, key: string): MenuItemConstructorOptions => ({
    ...{ label, accelerator: `CmdOrCtrl+${key}` },
    click: () => deps.open(to),
  })
  const hours = (label: string, quiet: DesktopSettings['notices']['quiet']): MenuItemConstructorOptions => ({
    ...{ label, type: 'radio' },
    checked: notices.quiet?.from === quiet?.from && notices.quiet?.to === quiet?.to,
    click: () => deps.change({ ...deps.settings(), notices: { ...notices, quiet } }),
  })
  const quiet: MenuItemConstructorOptions = {
    label: words.quiet,
    submenu: [
      hours(words.quietNever, null),
      ...QUIET_HOURS.map((one) => hours(words.quietHours(one.from, one.to), one)),
    ],
  }
  const node: MenuItemConstructorOptions[] = [
    { label: words.startNode, click: deps.startNode },
    { type: 'separator' },
    {
      ...{ label: words.startAtLogin, type: 'checkbox', checked: startAtLogin },
      click: () => deps.change({ ...deps.settings(), startAtLogin: !startAtLogin }),
    },
    { type: 'separator' },
    { label: words.quit, accelerator: 'CmdOrCtrl+Q', click: deps.quit },
  ]
  Menu.setApplicationMenu(
    Menu.buildFromTemplate([
      { label: words.menuNode, submenu: node },
      { role: 'editMenu' },
      {
        label: words.menuGo,
        submenu: [
          page(words.pages[0], 'overview', '1'),
          page(words.pages[1], 'topology', '2'),
          page(words.pages[2], 'nodes', '3'),
          page(words.pages[3], 'services', '4'),
          page(words.pages[4], 'settings', '5'),
        ],
      },
      {
        label: words.menuNotifications,
        submenu: [
          choice(words.choices[0], 'critical'),
          choice(words.choices[1], 'warning'),
          choice(words.choices[2], 'approvals'),
          choice(words.choices[3], 'recovery'),
          { type: 'separator' },
          quiet,
        ],
      },
      { role: 'windowMenu' },
    ]),
  )
}
