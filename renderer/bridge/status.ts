import type { Status } from '../../node-core/contract/schemas.ts'

/** What a node says about itself and its links. */
export type NodeStatus = Status
export type NodeLink = Status['links'][number]
