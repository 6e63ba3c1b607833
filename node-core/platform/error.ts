/** A fault as data: a stable code, and whatever belongs to it. */
export interface Fault {
  readonly code: string
}

/**
 * The one error class of the project, carrying a fault as data.
 *
 * A layer defines its faults as a union, `type MeshFault = { code: 'PEER_UNREACHABLE'; peer: string } | ...`,
 * and throws `new FaultError<MeshFault>({ code: 'PEER_UNREACHABLE', peer }, 'text', { cause })`.
 * The message says what happened and why; `hint` says what to do.
 */
export class FaultError<F extends Fault = Fault> extends Error {
  override readonly name = 'FaultError'
  readonly fault: F
  readonly hint: string | undefined

  constructor(fault: F, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.fault = fault
    this.hint = options.hint
  }

  get code(): F['code'] {
    return this.fault.code
  }
}

/** Narrows an unknown error to a fault with one of the given codes. */
export function hasCode<C extends string>(
  error: unknown,
  ...codes: readonly C[]
): error is FaultError<Fault & { code: C }> {
  return error instanceof FaultError && (codes as readonly string[]).includes(error.code)
}

/** The message of whatever was thrown, for a log line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
