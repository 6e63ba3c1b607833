import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Host } from '../mesh/host/host.ts'

interface Meta {
  get(key: string): string | undefined
  set(key: string, value: string): void
}

const KEY = 'listen.chosen'

const chosenSchema = z.record(z.string(), z.string())

function load(meta: Meta): Readonly<Record<string, string>> {
  try {
    return chosenSchema.parse(JSON.parse(meta.get(KEY) ?? '{}'))
  } catch {
    // A preference, not a record: without it the system chooses anew.
    return {}
  }
}

const isOpen = (address: string): boolean => /\/tcp\/0(?:\/|$)/.test(address)

/**
 * The addresses to listen on: where the system may choose the port (`/tcp/0`), the one that it chose before, because
 * invites and other members' address books name it.
 */
export function listenAddresses(meta: Meta, wanted: readonly string[]): readonly string[] {
  const chosen = load(meta)
  return wanted.map((address) => (isOpen(address) ? (chosen[address] ?? address) : address))
}

/** Remembers what was bound for each address whose port the system chose. */
export function keepPorts(meta: Meta, host: Host, wanted: readonly string[]): void {
  const bound = host.listenAddresses()
  const before = load(meta)
  const chosen = { ...before }
  for (const [index, address] of wanted.entries()) {
    const actual = bound[index]
    if (isOpen(address) && actual !== undefined) chosen[address] = actual
  }
  if (!isDeepStrictEqual(chosen, before)) meta.set(KEY, JSON.stringify(chosen))
}
