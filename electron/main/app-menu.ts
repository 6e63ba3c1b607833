import { Menu, type MenuItemConstructorOptions } from 'electron'
import type { DesktopSettings } from './desktop-settings.ts'

export interface MenuDeps {
  settings(): DesktopSettings
  /** Keeps it and makes the menu anew. */
  change(settings: DesktopSettings): void
  open(page: string): void
  startNode(): void
  quit(): void
}

const NIGHT = { from: 22, to: 7 }

/** The menu of the application, in the system's own form. */
export function setAppMenu(deps: MenuDeps): void {
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
  const quiet: MenuItemConstructorOptions = {
    label: `Quiet from ${NIGHT.from}:00 to ${NIGHT.to}:00, except for critical faults`,
    ...{ type: 'checkbox', checked: notices.quiet !== null },
    click: () =>
      deps.change({
        ...deps.settings(),
        notices: { ...notices, quiet: notices.quiet === null ? NIGHT : null },
      }),
  }
  const node: MenuItemConstructorOptions[] = [
    { label: 'Start the node now', click: deps.startNode },
    { type: 'separator' },
    {
      ...{ label: 'Start at login', type: 'checkbox', checked: startAtLogin },
      click: () => deps.change({ ...deps.settings(), startAtLogin: !startAtLogin }),
    },
    { type: 'separator' },
    { label: 'Quit', accelerator: 'CmdOrCtrl+Q', click: deps.quit },
  ]
  Menu.setApplicationMenu(
    Menu.buildFromTemplate([
      { label: 'Node', submenu: node },
      { role: 'editMenu' },
      {
        label: 'Go',
        submenu: [
          page('Overview', 'overview', '1'),
          page('Topology', 'topology', '2'),
          page('Nodes', 'nodes', '3'),
          page('Services', 'services', '4'),
          page('Settings', 'settings', '5'),
        ],
      },
      {
        label: 'Notifications',
        submenu: [
          choice('Critical faults', 'critical'),
          choice('Warnings', 'warning'),
          choice('Approvals that are wanted', 'approvals'),
          choice('Recoveries', 'recovery'),
          { type: 'separator' },
          quiet,
        ],
      },
      { role: 'windowMenu' },
    ]),
  )
}
