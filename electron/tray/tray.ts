import { join } from 'node:path'
import { Menu, type MenuItemConstructorOptions, nativeImage, Tray } from 'electron'
import type { Facts, NodeState } from '../core/messages.ts'
import { type TrayAction, type TrayEntry, trayEntriesOf, trayStateOf, verdictOf } from './tray-view.ts'
import type { Words } from './words.ts'

export interface TrayIcon {
  show(node: NodeState, facts: Facts | undefined): void
  destroy(): void
}

/** The icon in the system's tray and its menu. Keep the result: a collected Tray disappears. */
export function createTray(words: Words, icons: string, act: (action: TrayAction) => void): TrayIcon {
  const imageOf = (state: string) => nativeImage.createFromPath(join(icons, `tray-${state}.png`))
  const tray = new Tray(imageOf('off'))
  let shown = ''
  tray.on('click', () => act({ what: 'open', page: 'overview' }))

  const itemOf = (entry: TrayEntry): MenuItemConstructorOptions => {
    switch (entry.kind) {
      case 'separator':
        return { type: 'separator' }
      case 'text':
        return { label: entry.label, enabled: false }
      case 'do':
        return { label: entry.label, click: () => act(entry.action) }
      case 'menu':
        return { label: entry.label, submenu: entry.entries.map(itemOf) }
    }
  }

  return {
    show(node, facts) {
      const state = trayStateOf(node, facts)
      const entries = trayEntriesOf(words, node, facts)
      // A menu that is open closes when it is set again: only when something in it is another.
      const now = JSON.stringify([state, entries])
      if (now === shown) return
      shown = now
      tray.setImage(imageOf(state))
      tray.setToolTip(`x0tta6bl4: ${verdictOf(words, node, facts)}`)
      tray.setContextMenu(Menu.buildFromTemplate(entries.map(itemOf)))
    },
    destroy: () => tray.destroy(),
  }
}
