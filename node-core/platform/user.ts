import { userInfo } from 'node:os'

/** Of the process; -1 where there are none. Not from the list of users: in a container nobody may have this number there. */
export const currentUid = (): number => process.geteuid?.() ?? -1

/** Empty for a number that has no name on this machine, as in a container. */
export function currentUserName(): string {
  try {
    return userInfo().username
  } catch {
    return ''
  }
}
