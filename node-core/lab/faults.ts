import { FaultError } from '../platform/error.ts'

/** What a lab can refuse or fail at. */
export type LabFault =
  | { code: 'LAB_TOPOLOGY'; what: string }
  | { code: 'LAB_UNKNOWN_NODE'; node: string }
  | { code: 'LAB_UNKNOWN_LINK'; between: readonly [string, string] }
  | { code: 'LAB_NO_PROXY' }
  | { code: 'LAB_NODE_STATE'; node: string; state: string }
  | { code: 'LAB_PROXY_FAILED' }
  | { code: 'LAB_IMPAIRMENT'; what: string }
  | { code: 'LAB_NO_PORT' }
  | { code: 'LAB_DIRECTORY' | 'LAB_ALREADY_RUNS'; path: string }
  | { code: 'LAB_NOT_STARTED' }
  | { code: 'LAB_LINKS' }
  | { code: 'LAB_REQUEST' }

export function labFault(
  fault: LabFault,
  message: string,
  options: { hint?: string; cause?: unknown } = {},
): FaultError<LabFault> {
  return new FaultError<LabFault>(fault, message, options)
}
