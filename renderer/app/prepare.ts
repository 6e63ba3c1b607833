/**
 * Trusted types: the page's policy asks for a check of every script address that is computed. Ours are the workers of
 * our own build.
 */
interface PolicyFactory {
  createPolicy(name: string, rules: { readonly createScriptURL: (address: string) => string }): unknown
}

declare global {
  interface Window {
    readonly trustedTypes?: PolicyFactory
  }
}

export function allowOwnWorkers(page: Window): void {
  page.trustedTypes?.createPolicy('default', {
    createScriptURL: (address) => {
      const { origin } = new URL(address, page.location.href)
      if (origin !== new URL(page.location.href).origin) throw new TypeError('a script of somebody else')
      return address
    },
  })
}

const RETURN_KEY = 'x0t.return'
const RETURN_WITHIN_MS = 10 * 60_000

/** Remembers the address that somebody wanted who is not signed in yet, also for the tab that the link opens. */
export function rememberAddress(store: Pick<Storage, 'setItem'>, hash: string, now: number): void {
  store.setItem(RETURN_KEY, JSON.stringify([now, hash]))
}

/** The remembered address, once. */
export function takeAddress(store: Pick<Storage, 'getItem' | 'removeItem'>, now: number): string {
  const saved = store.getItem(RETURN_KEY)
  store.removeItem(RETURN_KEY)
  try {
    const value: unknown = JSON.parse(saved ?? '')
    if (!Array.isArray(value)) return ''
    const [at, hash]: unknown[] = value
    const fresh = typeof at === 'number' && now - at >= 0 && now - at < RETURN_WITHIN_MS
    return fresh && typeof hash === 'string' && hash.startsWith('#/') ? hash : ''
  } catch {
    return ''
  }
}
