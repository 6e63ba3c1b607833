import { changesNode, reads } from './operation.ts'
import {
  setupCreatedSchema,
  setupCreateSchema,
  setupJoinedSchema,
  setupJoinSchema,
  setupLabSchema,
  setupReadTokenSchema,
  setupStateSchema,
  setupTokenSchema,
} from './setup-schemas.ts'

/**
 * For a home that belongs to no mesh yet. Then these are served and the console's, and every other operation fails
 * with NO_MESH; once there is a mesh, the node starts in the same process and the page is told to connect again.
 */
export const setupOperations = {
  state: reads('viewer').output(setupStateSchema),
  create: changesNode('owner').input(setupCreateSchema).output(setupCreatedSchema),
  readToken: reads('owner').input(setupReadTokenSchema).output(setupTokenSchema),
  /** JOIN_PENDING after some time: somebody has to approve it; then the same call again gets in. */
  join: changesNode('owner').input(setupJoinSchema).output(setupJoinedSchema),
  /** Starts the practice lab, a ring of six, where it does not run yet. Its nodes are others than this one. */
  openLab: changesNode('owner').output(setupLabSchema),
}
