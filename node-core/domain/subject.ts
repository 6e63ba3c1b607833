import type { PeerId, ServiceName } from './ids.ts'

/** What a symptom, an incident or an action is about. */
export type Subject =
  | { readonly kind: 'node'; readonly peer: PeerId }
  /** A direct link, whose ends are in the order of their ids: both name it alike. */
  | { readonly kind: 'link'; readonly ends: readonly [PeerId, PeerId] }
  | { readonly kind: 'service'; readonly name: ServiceName; readonly provider: PeerId }
  /** The mesh as seen from this node's side of a partition. */
  | { readonly kind: 'mesh' }
  /** A part of the node itself: its store, its loop, its clock, its uplink. */
  | { readonly kind: 'part'; readonly peer: PeerId; readonly part: NodePart }

export const SUBJECT_KINDS = ['node', 'link', 'service', 'mesh', 'part'] as const

export const NODE_PARTS = ['store', 'loop', 'clock', 'uplink', 'certificate', 'config', 'resources'] as const
export type NodePart = (typeof NODE_PARTS)[number]

export const linkSubject = (a: PeerId, b: PeerId): Subject => ({
  kind: 'link',
  ends: a < b ? [a, b] : [b, a],
})

/** One text per subject, for maps, ids and sorting. Equal for equal subjects and different for different ones. */
export function subjectKey(subject: Subject): string {
  switch (subject.kind) {
    case 'node':
      return `node:${subject.peer}`
    case 'link':
      return `link:${subject.ends[0]}:${subject.ends[1]}`
    case 'service':
      return `service:${subject.provider}:${subject.name}`
    case 'mesh':
      return 'mesh'
    case 'part':
      return `part:${subject.peer}:${subject.part}`
  }
}
