/** `x0t://join/TOKEN`: a link only opens a question that shows the fingerprint, and never joins over an existing home. */
import { z } from 'zod'
import {
  setupJoinedSchema,
  setupStateSchema,
  setupTokenSchema,
} from '../../node-core/contract/setup-schemas.ts'
import type { Request } from '../core/messages.ts'

const LINK = /^x0t:\/\/join\/(x0t1[\x21-\x7e]{1,8000}?)\/?$/i

/** The invite in a link, or undefined for what is no such link. */
export function tokenIn(link: string): string | undefined {
  const [, token] = LINK.exec(link) ?? []
  // Between letters of any case in the scheme, the invite keeps its own.
  return token?.startsWith('x0t1') === true && !/[/?#%]/.test(token) ? token : undefined
}

export interface Question {
  readonly message: string
  readonly detail: string
  /** The first one does nothing, and is what closing the question means. */
  readonly buttons: readonly string[]
}

export interface JoinDeps {
  ask(request: Request): Promise<unknown>
  /** @returns which button was pressed */
  question(question: Question): Promise<number>
  /** The mesh was joined: shows its console. */
  onJoined(): void
}

const OK = ['Close']
const JOIN = 1

/** Follows one link. Whatever it says, nothing happens before a person has pressed Join. */
export async function followJoinLink(link: string, deps: JoinDeps): Promise<void> {
  const token = tokenIn(link)
  if (token === undefined) {
    await deps.question({
      message: 'This is no link to a mesh',
      detail: 'Ask for a new invite.',
      buttons: OK,
    })
    return
  }
  try {
    await joinWith(token, deps)
  } catch (error) {
    const { message, hint } = problemOf(error)
    await deps.question({
      message: 'The mesh could not be joined',
      detail: `${message}\n${hint}`,
      buttons: OK,
    })
  }
}

async function joinWith(token: string, deps: JoinDeps): Promise<void> {
  const state = setupStateSchema.parse(await deps.ask({ what: 'setup-state' }))
  if (state.mode !== 'setup') {
    const detail = 'A link never joins over it. To join another mesh, use another home: x0t --home DIR join.'
    await deps.question({ message: 'This machine belongs to a mesh already', detail, buttons: OK })
    return
  }
  const { fingerprint, role, expiresAt } = setupTokenSchema.parse(
    await deps.ask({ what: 'read-token', token }),
  )
  const name = state.suggestedName
  if (name === null) {
    const detail =
      'The name of this machine cannot be the name of a node. Join in the console, where you can choose one.'
    await deps.question({ message: 'Join this mesh in the console', detail, buttons: OK })
    deps.onJoined()
    return
  }
  const pressed = await deps.question({
    message: 'Join this mesh?',
    detail: [
      'Compare the fingerprint with that of the person who invites you:',
      ...groupsOf(fingerprint),
      `This machine joins as ${name}, in the role ${role}. The invite ends ${new Date(expiresAt).toISOString()}.`,
    ].join('\n'),
    buttons: ['Cancel', 'Join'],
  })
  if (pressed !== JOIN) return
  setupJoinedSchema.parse(await deps.ask({ what: 'join', token, name }))
  deps.onJoined()
}

/** 64 characters in lines that an eye can follow. */
const groupsOf = (fingerprint: string): readonly string[] =>
  (fingerprint.match(/.{1,32}/g) ?? []).map((line) => (line.match(/.{1,4}/g) ?? []).join(' '))

const problemSchema = z.object({ problem: z.object({ message: z.string(), hint: z.string() }) })

function problemOf(error: unknown): { message: string; hint: string } {
  const refused = problemSchema.safeParse(error)
  if (refused.success) return refused.data.problem
  return { message: error instanceof Error ? error.message : String(error), hint: '' }
}
