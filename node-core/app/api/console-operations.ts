import type { NodeApi } from '../../control/node-api.ts'
import { roleBelow } from '../../domain/role.ts'
import type { NodeParts } from '../node-parts.ts'

export function consoleOperations({ webConsole }: Pick<NodeParts, 'webConsole'>): NodeApi['console'] {
  return {
    link: async ({ role }, { caller }) =>
      // Nobody opens a door to more than they have themselves.
      webConsole.link(role !== null && roleBelow(role, caller.role) ? role : caller.role),
    sessions: async () => ({ items: webConsole.sessions() }),
    signOut: async ({ id }) => {
      webConsole.signOut(id)
      return { id }
    },
  }
}
