/** Construction does nothing; `start` acquires; `stop` releases all of it, in reverse, and can be called twice. */
export interface Lifecycle {
  start(): Promise<void>
  stop(): Promise<void>
}

/** Starts parts in order; when one fails, stops those already started, in reverse, and rethrows. */
export async function startAll(parts: readonly Lifecycle[]): Promise<void> {
  const started: Lifecycle[] = []
  try {
    for (const part of parts) {
      started.push(part)
      await part.start()
    }
  } catch (error) {
    await stopAll(started)
    throw error
  }
}

/** Stops parts in reverse order. One that fails does not keep the others from stopping; the failures come back together. */
export async function stopAll(parts: readonly Lifecycle[]): Promise<readonly unknown[]> {
  const failures: unknown[] = []
  for (const part of parts.toReversed()) {
    try {
      await part.stop()
    } catch (error) {
      failures.push(error)
    }
  }
  return failures
}
