/** The words that the desktop app is started with. */

export interface Words {
  /** The node without a window, its console in a browser. */
  readonly headless: boolean
  /** In the tray, with no window yet: how it starts at login. */
  readonly hidden: boolean
  /** An `x0t://` link that the system handed over. */
  readonly link: string | undefined
}

export const LINK_SCHEME = 'x0t'

export function readWords(argv: readonly string[]): Words {
  return {
    headless: argv.includes('--headless'),
    hidden: argv.includes('--hidden'),
    link: argv.find((word) => word.toLowerCase().startsWith(`${LINK_SCHEME}:`)),
  }
}
