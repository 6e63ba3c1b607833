import type { HomePaths } from '../../platform/home.ts'
import { cliFault, errnoOf } from '../fault.ts'

/** What an error of the socket means to a person; an error that is none of them comes back as it is. */
export function socketFault(error: unknown, paths: HomePaths): unknown {
  switch (errnoOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return notRunning(paths, false, error)
    case 'ECONNREFUSED':
      return notRunning(paths, true, error)
    case 'EACCES':
    case 'EPERM':
      return cliFault({ code: 'NO_PERMISSION' }, `no permission to use the node at ${paths.socket}`, {
        cause: error,
        hint: 'The node belongs to another user: run x0t as that user, or name your own home with --home.',
      })
    case 'ECONNRESET':
    case 'EPIPE':
      return cliFault({ code: 'NODE_WENT_AWAY' }, 'the node closed the connection before it answered', {
        cause: error,
        hint: 'It may have stopped, or too many commands run at once: see x0t status and the log in the home.',
      })
    default:
      return error
  }
}

function notRunning(paths: HomePaths, stale: boolean, cause: unknown): Error {
  const left = stale ? ' (a socket is there, but the node that made it is gone)' : ''
  return cliFault({ code: 'NODE_NOT_RUNNING', stale }, `no node runs on the home ${paths.root}${left}`, {
    cause,
    hint: 'Start it with x0t up, or name another home with --home.',
  })
}
