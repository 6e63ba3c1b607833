import type { Path } from './ports.ts'

/**
 * The carriers to close so that a session moves to its standby, the one in use last: the core then takes what is left.
 * None when the path in use does not cross what is to be left, or when every other one crosses it too.
 */
export function carriersToLeave<C>(
  placed: readonly { readonly carrier: C; readonly path: Path }[],
  { primary, failed }: { readonly primary: unknown; readonly failed: readonly unknown[] },
  crosses: (path: Path) => boolean,
): readonly C[] {
  const inUse = placed.find(({ carrier }) => carrier === primary)
  if (inUse === undefined || !crosses(inUse.path)) return []
  const others = placed.filter(({ carrier }) => carrier !== primary)
  const hasStandby = others.some(({ carrier, path }) => !failed.includes(carrier) && !crosses(path))
  if (!hasStandby) return []
  return [...others.filter(({ path }) => crosses(path)), inUse].map(({ carrier }) => carrier)
}
