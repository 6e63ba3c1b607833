declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

/** A libp2p PeerId of an Ed25519 key, base58btc text (`12D3KooW...`, 52 characters). */
export type PeerId = Branded<'PeerId'>
/** Hex SHA-256 over the mesh authority's two public keys: 64 lowercase characters. Also the authority's fingerprint. */
export type MeshId = Branded<'MeshId'>
/** What people call a node: lowercase letters, digits and hyphens, 1 to 63 characters (an RFC 1123 label). */
export type NodeName = Branded<'NodeName'>
/** What people call a service: the same alphabet as a node's name. */
export type ServiceName = Branded<'ServiceName'>
/** `inv-` and 16 hex characters. */
export type InviteId = Branded<'InviteId'>
/** `join-` and 16 hex characters: a join request that waits for an operator. */
export type JoinId = Branded<'JoinId'>

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const PEER_ID = /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/
const MESH_ID = /^[0-9a-f]{64}$/

/** Each parser returns `undefined` for text that is not of its kind; none throws. */
export const parsePeerId = (raw: string): PeerId | undefined =>
  PEER_ID.test(raw) ? (raw as PeerId) : undefined
export const parseMeshId = (raw: string): MeshId | undefined =>
  MESH_ID.test(raw) ? (raw as MeshId) : undefined
export const parseNodeName = (raw: string): NodeName | undefined =>
  LABEL.test(raw) ? (raw as NodeName) : undefined
export const parseServiceName = (raw: string): ServiceName | undefined =>
  LABEL.test(raw) ? (raw as ServiceName) : undefined
export const parseInviteId = (raw: string): InviteId | undefined =>
  /^inv-[0-9a-f]{16}$/.test(raw) ? (raw as InviteId) : undefined
export const parseJoinId = (raw: string): JoinId | undefined =>
  /^join-[0-9a-f]{16}$/.test(raw) ? (raw as JoinId) : undefined
/** `inc-` and 16 hex characters: SHA-256 over code, subject and epoch, so that every witness names an incident alike. */
export type IncidentId = Branded<'IncidentId'>
/** `plan-` and 16 hex characters. */
export type PlanId = Branded<'PlanId'>

export const parseIncidentId = (raw: string): IncidentId | undefined =>
  /^inc-[0-9a-f]{16}$/.test(raw) ? (raw as IncidentId) : undefined
export const parsePlanId = (raw: string): PlanId | undefined =>
  /^plan-[0-9a-f]{16}$/.test(raw) ? (raw as PlanId) : undefined
