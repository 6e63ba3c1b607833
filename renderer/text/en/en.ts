import { audit } from './audit.ts'
import { codes } from './codes.ts'
import { common } from './common.ts'
import { heal } from './heal.ts'
import { history } from './history.ts'
import { mesh } from './mesh.ts'
import { policy } from './policy.ts'
import { setup } from './setup.ts'
import { work } from './work.ts'

/** Every text of the console. */
export const en = {
  ...common,
  ...mesh,
  ...work,
  ...setup,
  ...heal,
  ...history,
  ...codes,
  ...policy,
  ...audit,
} as const

/** Every language has each message. */
export type Messages = Readonly<Record<keyof typeof en, string>>
