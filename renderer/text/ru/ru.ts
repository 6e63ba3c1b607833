import type { Messages } from '../en/en.ts'
import { audit } from './audit.ts'
import { codes } from './codes.ts'
import { common } from './common.ts'
import { heal } from './heal.ts'
import { history } from './history.ts'
import { mesh } from './mesh.ts'
import { policy } from './policy.ts'
import { setup } from './setup.ts'
import { work } from './work.ts'

export const ru: Messages = {
  ...common,
  ...mesh,
  ...work,
  ...setup,
  ...heal,
  ...history,
  ...codes,
  ...policy,
  ...audit,
}
