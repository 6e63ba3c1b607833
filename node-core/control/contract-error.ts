import { ValidationError } from '@orpc/contract'
import { ORPCError } from '@orpc/server'
import type { z } from 'zod'
import { contractErrors, faultCodeSchema } from '../contract/errors.ts'
import type { OperationMeta } from '../contract/operation.ts'
import type { Role } from '../domain/role.ts'
import { FaultError, messageOf } from '../platform/error.ts'
import type { Logger } from '../platform/logger.ts'

const MAX_ISSUES = 10

type ContractErrors = typeof contractErrors

/** Makes an error of the contract, so that code, status and data cannot drift apart from it. */
function contractError<K extends keyof ContractErrors & string>(
  code: K,
  message: string,
  data: z.input<ContractErrors[K]['data']>,
): ORPCError<K, z.input<ContractErrors[K]['data']>> {
  return new ORPCError(code, { defined: true, status: contractErrors[code].status, message, data })
}

export function forbidden(operation: string, meta: OperationMeta, has: Role): Error {
  const where = meta.scope === 'mesh' ? 'in the mesh' : 'at this node'
  return contractError(
    'FORBIDDEN',
    `${operation} needs the role ${meta.role} ${where}, and this ${meta.scope === 'mesh' ? 'node' : 'caller'} has ${has}`,
    {
      scope: meta.scope,
      needs: meta.role,
      has,
      hint:
        meta.scope === 'mesh'
          ? `Run it on a node whose certificate says ${meta.role} or higher: x0t peers shows who that is.`
          : `Ask somebody who is ${meta.role} of this node.`,
    },
  )
}

function issuesOf(error: ValidationError): { path: string; message: string }[] {
  return error.issues.slice(0, MAX_ISSUES).map((issue) => ({
    path: (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.'),
    message: issue.message,
  }))
}

function internal(operation: string): Error {
  return contractError('INTERNAL', `the node met an unexpected fault in ${operation}`, {
    hint: 'This is a defect of x0t: the log in the home has the details.',
  })
}

/** Turns whatever an operation threw into an error of the contract. Stacks and causes stay in the log. */
export function toContractError(error: unknown, operation: string, logger: Logger): Error {
  if (error instanceof FaultError && faultCodeSchema.safeParse(error.code).success) {
    logger.info('an operation was refused', { operation, code: error.code, reason: error.message })
    return contractError('FAULT', error.message, { code: error.code, hint: error.hint ?? '' })
  }
  if (error instanceof ORPCError && error.cause instanceof ValidationError) {
    const issues = issuesOf(error.cause)
    if (error.code === 'BAD_REQUEST') {
      const first = issues[0]
      const what = first === undefined ? '' : `: ${first.path === '' ? '' : `${first.path} `}${first.message}`
      return contractError('INVALID_INPUT', `the request for ${operation} is not valid${what}`, { issues })
    }
    logger.error('an operation gave an answer that is not in the contract', { operation, issues })
    return internal(operation)
  }
  // Already an error of the contract: the role check throws these.
  if (error instanceof ORPCError && error.defined) return error
  logger.error('an operation failed unexpectedly', {
    operation,
    reason: messageOf(error),
    stack: error instanceof Error ? error.stack : undefined,
  })
  return internal(operation)
}
