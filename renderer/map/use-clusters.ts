import { useMemo, useState } from 'react'
import { useText } from '../text/text.ts'
import { CLUSTER_ABOVE, clusterGraph, groupsOf } from './cluster.ts'
import type { MapGraph } from './graph.ts'

export interface Clusters {
  readonly graph: MapGraph
  /** Shows what is in a cluster. @returns false for what is none */
  open(id: string): boolean
}

/** A large mesh as clusters, which open one by one; a small one as it is. */
export function useClusters(full: MapGraph): Clusters {
  const t = useText()
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set())
  const large = full.nodes.length > CLUSTER_ABOVE
  const groups = useMemo(() => (large ? groupsOf(full) : undefined), [large, full])
  const clustered = useMemo(
    () =>
      groups === undefined
        ? undefined
        : clusterGraph(full, groups, opened, (n) => t('topology.cluster', { n })),
    [full, groups, opened, t],
  )
  return {
    graph: clustered?.graph ?? full,
    open(id) {
      const index = clustered?.graph.nodes.findIndex((node) => node.id === id) ?? -1
      const group = clustered?.groupOf[index]
      if (group === undefined) return false
      setOpened(new Set([...opened, group]))
      return true
    },
  }
}
