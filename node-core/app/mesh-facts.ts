import { type MeshId, type NodeName, parseMeshId, parseNodeName } from '../domain/ids.ts'
import { FaultError } from '../platform/error.ts'
import { decodeAuthorityKey, encodeAuthorityKey } from '../security/authority.ts'
import type { HybridPublicKey } from '../security/hybrid-key.ts'

/** What a home knows of the mesh it belongs to. None of it is secret. */
export interface MeshFacts {
  readonly meshId: MeshId
  /** What people call the mesh. */
  readonly name: string
  /** Its key as this node has learned it first. Who replaced it since, membership remembers. */
  readonly authority: HybridPublicKey
  /** What this node is called in it. */
  readonly nodeName: NodeName
  /** Multiaddrs where members were when this node joined: where it looks first, before it knows better. */
  readonly bootstrap: readonly string[]
}

export type MeshFactsFault = { code: 'NO_MESH'; home: string }

/** Where the facts are kept: the store's `meta`. */
interface Meta {
  get(key: string): string | undefined
  set(key: string, value: string): void
}

const KEYS = {
  meshId: 'mesh.id',
  name: 'mesh.name',
  nodeName: 'mesh.node-name',
  authority: 'mesh.authority',
  bootstrap: 'mesh.bootstrap',
} as const

export function saveMeshFacts(meta: Meta, facts: MeshFacts): void {
  meta.set(KEYS.name, facts.name)
  meta.set(KEYS.nodeName, facts.nodeName)
  meta.set(KEYS.authority, Buffer.from(encodeAuthorityKey(facts.authority)).toString('base64'))
  meta.set(KEYS.bootstrap, facts.bootstrap.join('\n'))
  // Last: a home whose id is there has all the rest.
  meta.set(KEYS.meshId, facts.meshId)
}

/** The facts, or undefined for a home that belongs to no mesh (yet). */
export function loadMeshFacts(meta: Meta): MeshFacts | undefined {
  const meshId = parseMeshId(meta.get(KEYS.meshId) ?? '')
  const nodeName = parseNodeName(meta.get(KEYS.nodeName) ?? '')
  if (meshId === undefined || nodeName === undefined) return undefined
  const authority = decodeAuthorityKey(Buffer.from(meta.get(KEYS.authority) ?? '', 'base64'))
  if (authority === undefined) return undefined
  const bootstrap = (meta.get(KEYS.bootstrap) ?? '').split('\n').filter((address) => address !== '')
  return { meshId, authority, nodeName, bootstrap, name: meta.get(KEYS.name) ?? meshId }
}

export function noMesh(home: string): FaultError<MeshFactsFault> {
  return new FaultError<MeshFactsFault>(
    { code: 'NO_MESH', home },
    `the home ${home} belongs to no mesh yet`,
    {
      hint: 'Make a mesh with x0t init --mesh M --name N, or join one with x0t join TOKEN --name N.',
    },
  )
}
