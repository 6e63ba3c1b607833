/** Drops the entry that was set first when there are more than so many. To be called after each `set`. */
export function forgetOldest<K>(map: Map<K, unknown>, most: number): void {
  if (map.size <= most) return
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}
