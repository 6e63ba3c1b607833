/** Which addresses a page may have opened in the person's own programs. */

/** Where the texts of this project lead. */
const HOSTS: ReadonlySet<string> = new Set(['nodejs.org', 'github.com'])
/** A link is for reading: nothing that a system would run once it is downloaded. */
const RUNNABLE =
  /\.(?:exe|msi|msix|appx|bat|cmd|com|scr|ps1|vbs|js|jar|lnk|reg|hta|sh|run|appimage|deb|rpm|dmg|pkg|app|command|desktop)$/i
const MAIL = /^mailto:[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,253}$/

/** The address to open, or undefined for one that is not opened. */
export function externalAddress(address: string): string | undefined {
  if (MAIL.test(address)) return address
  if (!URL.canParse(address)) return undefined
  const url = new URL(address)
  if (url.protocol !== 'https:' || url.port !== '' || url.username !== '' || url.password !== '')
    return undefined
  if (!HOSTS.has(url.hostname)) return undefined
  const path = decoded(url.pathname)
  return path === undefined || RUNNABLE.test(path.replace(/[.\s/]+$/, '')) ? undefined : url.href
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}
