/** Who may talk to the web console: pure checks of the headers that a browser sets and a page cannot. */
import type { IncomingHttpHeaders } from 'node:http'

export type GuardVerdict = 'ok' | 'foreign-host' | 'missing-origin' | 'foreign-origin'

export interface GuardOptions {
  /** `host:port` under which the console is reached, in lower case. */
  readonly hosts: ReadonlySet<string>
  readonly secure: boolean
}

/**
 * The Host says which name a browser was told to visit. A name of somebody else's that resolves to this machine (DNS
 * rebinding) makes a foreign page same-origin with us, and this header is what gives it away.
 */
function hostVerdict({ hosts }: GuardOptions, headers: IncomingHttpHeaders): GuardVerdict {
  return headers.host !== undefined && hosts.has(headers.host.toLowerCase()) ? 'ok' : 'foreign-host'
}

/** For everything that acts or reads for a session: the Origin has to be there and to be that of our own page. */
export function callVerdict(options: GuardOptions, headers: IncomingHttpHeaders): GuardVerdict {
  const host = hostVerdict(options, headers)
  if (host !== 'ok') return host
  if (headers.origin === undefined) return 'missing-origin'
  const own = `${options.secure ? 'https' : 'http'}://${headers.host?.toLowerCase()}`
  return headers.origin.toLowerCase() === own ? 'ok' : 'foreign-origin'
}

/** For the files of the page, which hold no secret: a visit has no Origin, another site's page has its own or says so. */
export function fileVerdict(options: GuardOptions, headers: IncomingHttpHeaders): GuardVerdict {
  if (headers.origin !== undefined) return callVerdict(options, headers)
  return hostVerdict(options, headers)
}

/** The names of a console that listens at `host`: itself, what a loopback address is called, and what the settings add. */
export function consoleHosts(
  host: string,
  port: number,
  secure: boolean,
  extra: readonly string[],
): Set<string> {
  const names = isLoopback(host) ? ['127.0.0.1', 'localhost', '[::1]'] : [bracketed(host)]
  const all = [...names, ...extra.map((name) => bracketed(name.toLowerCase()))]
  // A browser leaves the usual port out.
  const usual = port === (secure ? 443 : 80)
  return new Set(all.flatMap((name) => (usual ? [name, `${name}:${port}`] : [`${name}:${port}`])))
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)

export const bracketed = (host: string): string =>
  host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
