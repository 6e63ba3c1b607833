/** What the app sees of the system: menus, tray, notifications, dialogs, keychain. All of it is recorded. */
import { EventEmitter } from 'node:events'
import { answerOf, record, strict } from './record.ts'

export const shell = strict('shell', {
  openExternal: async (address: string) => void record('shell.openExternal', address),
})

export const dialog = strict('dialog', {
  async showMessageBox(...args: object[]) {
    const answer = record('dialog.showMessageBox', args.at(-1))
    return { response: typeof answer === 'number' ? answer : 0, checkboxChecked: false }
  },
})

const turned = (bytes: Uint8Array): Buffer => Buffer.from(bytes.map((byte) => byte ^ 0xff))
export const safeStorage = strict('safeStorage', {
  isEncryptionAvailable: () => true,
  getSelectedStorageBackend: () =>
    String(answerOf('safeStorage.backend') ?? process.env['X0T_DOUBLE_KEYCHAIN'] ?? 'basic_text'),
  encryptString: (text: string) => turned(Buffer.from(text)),
  decryptString: (sealed: Uint8Array) => turned(sealed).toString(),
})

export const screen = strict('screen', {
  getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1_280, height: 800 } }],
})

export const nativeImage = strict('nativeImage', {
  createFromPath: (path: string) => strict('image', { path, setTemplateImage: () => {} }),
})

export class Tray extends EventEmitter {
  constructor(image: { path: string }) {
    super()
    record('Tray', image.path)
  }
  setImage(image: { path: string }): void {
    record('Tray.setImage', image.path)
  }
  setToolTip(text: string): void {
    record('Tray.setToolTip', text)
  }
  setContextMenu(menu: Menu): void {
    live.trayMenu = menu
    record('Tray.setContextMenu', menu.items)
  }
  destroy(): void {
    record('Tray.destroy')
  }
}

export class Notification extends EventEmitter {
  static isSupported(): boolean {
    return true
  }
  readonly options: object
  constructor(options: object) {
    super()
    this.options = options
    live.notifications.push(this)
  }
  show(): void {
    record('Notification.show', this.options)
  }
}

export interface MenuEntry {
  readonly label?: string
  readonly id?: string
  readonly click?: () => void
  readonly submenu?: readonly MenuEntry[]
}

export class Menu {
  readonly items: readonly MenuEntry[]
  constructor(items: readonly MenuEntry[]) {
    this.items = items
  }
  static buildFromTemplate(items: readonly MenuEntry[]): Menu {
    return new Menu(items)
  }
  static setApplicationMenu(menu: Menu): void {
    live.appMenu = menu
    record('Menu.setApplicationMenu', menu.items)
  }
}

/** What a hand could reach now. */
export const live: { trayMenu: Menu | undefined; appMenu: Menu | undefined; notifications: Notification[] } =
  {
    ...{ trayMenu: undefined, appMenu: undefined },
    notifications: [],
  }
