import { parseNodeName, parseServiceName } from '../domain/ids.ts'
import type { ProviderQuery } from './provider-choice.ts'

export type MeshHostName =
  | { readonly kind: 'service'; readonly query: ProviderQuery }
  /** It ends in `.mesh` and yet nothing can be called that. */
  | { readonly kind: 'impossible' }
  /** A name of somewhere else. */
  | { readonly kind: 'foreign' }

/**
 * What a host name means: `SERVICE.mesh` any provider, `SERVICE.NODE.mesh` that node alone. Names are taken as DNS takes
 * them: case does not matter, and one dot at the end changes nothing (RFC 1034 section 3.1).
 */
export function parseMeshHostName(raw: string): MeshHostName {
  const labels = raw.toLowerCase().replace(/\.$/, '').split('.')
  if (labels.at(-1) !== 'mesh') return { kind: 'foreign' }
  const [serviceText = '', nodeText] = labels.slice(0, -1)
  const service = parseServiceName(serviceText)
  if (service === undefined || labels.length > 3) return { kind: 'impossible' }
  if (nodeText === undefined) return { kind: 'service', query: { service } }
  const node = parseNodeName(nodeText)
  return node === undefined ? { kind: 'impossible' } : { kind: 'service', query: { service, node } }
}
