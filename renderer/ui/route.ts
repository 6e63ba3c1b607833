import { useCallback, useSyncExternalStore } from 'react'

/*
 * Where the console is: the part of the address after `#`, such as `#/links?state=degraded`. It works alike under
 * `app://`, on a plain file server and behind a proxy, and never reaches a server's log.
 */

export const PAGES = [
  'overview',
  'topology',
  'nodes',
  'links',
  'services',
  'incidents',
  'playbooks',
  'slo',
  'policy',
  'audit',
  'settings',
] as const
export type PageName = (typeof PAGES)[number]

export interface Route {
  readonly page: PageName | 'unknown'
  /** What is looked at on the page: a node, an incident. */
  readonly id: string | undefined
  readonly query: URLSearchParams
}

const MAX_ADDRESS_LENGTH = 2_048

export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.slice(0, MAX_ADDRESS_LENGTH).replace(/^#/, '').split('?')
  const [, page = '', id = ''] = path.split('/')
  return {
    page: page === '' ? 'overview' : (PAGES.find((name) => name === page) ?? 'unknown'),
    id: id === '' ? undefined : decoded(id),
    query: new URLSearchParams(search),
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The address of a page, with what is looked at and how. Empty filters are left out. */
export function hrefOf(
  page: PageName,
  id?: string,
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') params.set(name, value)
  }
  const search = params.toString()
  return `#/${page}${id === undefined ? '' : `/${encodeURIComponent(id)}`}${search === '' ? '' : `?${search}`}`
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener)
  return () => window.removeEventListener('hashchange', listener)
}

const readHash = (): string => window.location.hash

/** The address as text: stable while nothing changes. */
export const useHash = (): string => useSyncExternalStore(subscribe, readHash, () => '')

export const useRoute = (): Route => parseRoute(useHash())

export function navigate(href: string): void {
  window.location.hash = href
}

/** One filter of this page, kept in the address: a bookmark and the back button bring it back. */
export function useFilter(name: string): readonly [string, (value: string) => void] {
  const value = useRoute().query.get(name) ?? ''
  const set = useCallback(
    (next: string) => {
      const { page, id, query } = parseRoute(window.location.hash)
      if (page === 'unknown') return
      const href = hrefOf(page, id, { ...Object.fromEntries(query), [name]: next })
      // Typing into a filter is one step back, not one per letter.
      window.history.replaceState(null, '', href)
      window.dispatchEvent(new HashChangeEvent('hashchange'))
    },
    [name],
  )
  return [value, set]
}
