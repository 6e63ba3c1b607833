import { type Fault, FaultError, messageOf } from '../platform/error.ts'

/** What the CLI itself can find wrong. Faults of the node keep the codes that the node gives them. */
export type CliFault =
  | { code: 'USAGE' }
  | { code: 'NODE_NOT_RUNNING'; stale: boolean }
  | { code: 'NODE_ALREADY_RUNNING' }
  | { code: 'NODE_WENT_AWAY' }
  | { code: 'NODE_START_FAILED' }
  | { code: 'NO_MESH' }
  | { code: 'HOME_HAS_NODE' }
  | { code: 'NO_PERMISSION' }
  | { code: 'VERSION_SKEW' }
  | { code: 'PASSPHRASE_NEEDED' }
  | { code: 'SECRET_UNREADABLE' }
  | { code: 'NOT_REACHED' }
  | { code: 'TIMEOUT' }
  | { code: 'INTERRUPTED' }
  | { code: 'DECLINED' }
  | { code: 'LAB_NOT_RUNNING' }
  | { code: 'LAB_ANSWER' }
  | { code: 'SERVICE_FAILED' }
  | { code: 'FILE_UNREADABLE' }
  | { code: 'FILE_UNWRITABLE' }

export function cliFault(
  fault: CliFault,
  message: string,
  options: { hint?: string; cause?: unknown } = {},
): FaultError<CliFault> {
  return new FaultError<CliFault>(fault, message, options)
}

/** A wrong command line. Its hint points at the help of the command. */
export function usageFault(message: string, command?: string): FaultError<CliFault> {
  const help = command === undefined ? 'x0t --help' : `x0t ${command} --help`
  return cliFault({ code: 'USAGE' }, message, { hint: `See ${help}.` })
}

/** 0 done, 1 failed or unhealthy, 2 a wrong command line: the same with and without --json. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export interface ErrorText {
  readonly code: string
  readonly message: string
  readonly hint: string
}

/** What a person and a script are told about whatever was thrown. Never a stack. */
export function errorTextOf(error: unknown): ErrorText {
  if (error instanceof FaultError) {
    const { code, message, hint }: FaultError<Fault> = error
    return { code, message, hint: hint ?? '' }
  }
  return {
    code: 'INTERNAL',
    message: `an unexpected fault in x0t: ${messageOf(error)}`,
    hint: 'This is a defect: please report it with the command that you ran.',
  }
}

export const exitCodeOf = (error: unknown): ExitCode =>
  error instanceof FaultError && error.code === 'USAGE' ? EXIT.usage : EXIT.failed

/** The system's name of an error: ENOENT. */
export const errnoOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
