/** A line to a node. Features and stores use this; what carries it stays in this folder. */

import { ORPCError } from '@orpc/client'
import type { ContractRouterClient } from '@orpc/contract'
import type { Contract } from '../../node-core/contract/contract.ts'
import type { Role } from '../../node-core/domain/role.ts'

/** Every operation of the node, typed by the contract. */
export type NodeClient = ContractRouterClient<Contract>

/** What went wrong: what happened and what to do, in the node's words, and a stable code. */
export interface Problem {
  readonly code: string
  readonly message: string
  readonly hint: string
}

export interface Line {
  readonly client: NodeClient
  /** What the one before this screen may do on this node. */
  readonly role: Role
  /** When the right to be here ends, ms since the Unix epoch; null where it does not. */
  readonly expiresAt: number | null
  /** Resolves when the line is gone. */
  readonly closed: Promise<LineEnd>
  close(): void
}

export type LineEnd =
  | { readonly kind: 'lost'; readonly problem: Problem }
  | { readonly kind: 'signed-out'; readonly why: SignedOut }

/** `none`: nobody signed in in this tab. `expired`: the session has ended. `refused`: the link was used or too old. */
export type SignedOut = 'none' | 'expired' | 'refused'

export type Opening = { readonly kind: 'open'; readonly line: Line } | LineEnd

/** How this page reaches a node. */
export interface Bridge {
  /** Never rejects. */
  open(signal: AbortSignal): Promise<Opening>
  /** Takes the secret of a sign-in link; the next `open` uses what it got. Absent where nobody signs in. */
  readonly signIn?: (secret: string) => Promise<'signed-in' | Problem>
  readonly signOut?: () => void
}

const UNKNOWN: Problem = { code: 'UNEXPECTED', message: '', hint: '' }

/** What an error that came over a line, or from one, means for a person. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ORPCError) {
    const data: unknown = error.data
    return {
      code: textIn(data, 'code') ?? error.code,
      message: error.message,
      hint: textIn(data, 'hint') ?? '',
    }
  }
  return error instanceof Error ? { ...UNKNOWN, message: error.message } : UNKNOWN
}

/** True when the node itself answered, even if with a refusal: the line works. */
export const cameFromNode = (error: unknown): boolean => error instanceof ORPCError

function textIn(data: unknown, name: string): string | undefined {
  if (typeof data !== 'object' || data === null) return undefined
  const value: unknown = Object.entries(data).find(([key]) => key === name)?.[1]
  return typeof value === 'string' ? value : undefined
}
