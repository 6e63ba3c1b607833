import { Menu, nativeImage, Tray } from 'electron'

export interface TrayActions {
  open(): void
  quit(): void
}

/** The icon in the system's tray. Keep the result: a collected Tray disappears. */
export function createTray(iconFile: string, actions: TrayActions): Tray {
  const tray = new Tray(nativeImage.createFromPath(iconFile).resize({ width: 22, height: 22 }))
  tray.setToolTip('x0tta6bl4')
  tray.setContextMenu(
    Menu.buildFromTemplate([
      { label: 'Open console', click: actions.open },
      { type: 'separator' },
      { label: 'Quit (the node keeps running)', click: actions.quit },
    ]),
  )
  tray.on('click', actions.open)
  return tray
}
