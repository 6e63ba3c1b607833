import { type ComponentType, type LazyExoticComponent, lazy } from 'react'

import type { IconName } from '../ui/icon.tsx'
import type { PageName } from '../ui/route.ts'

type PageTitle = `nav.${PageName}`

export interface PageProps {
  readonly id: string | undefined
}

interface PageEntry {
  readonly title: PageTitle
  readonly icon: IconName
  readonly Page: LazyExoticComponent<ComponentType<PageProps>>
}

const load = (open: () => Promise<ComponentType<PageProps>>) => lazy(async () => ({ default: await open() }))

/** Each page is a file of its own that is fetched when it is first opened. */
export const PAGE_ENTRIES: Readonly<Record<PageName, PageEntry>> = {
  overview: {
    title: 'nav.overview',
    icon: 'overview',
    Page: load(async () => (await import('../features/overview/overview-page.tsx')).OverviewPage),
  },
  topology: {
    title: 'nav.topology',
    icon: 'topology',
    Page: load(async () => (await import('../features/topology/topology-page.tsx')).TopologyPage),
  },
  nodes: {
    title: 'nav.nodes',
    icon: 'nodes',
    Page: load(async () => (await import('../features/nodes/nodes-page.tsx')).NodesPage),
  },
  links: {
    title: 'nav.links',
    icon: 'links',
    Page: load(async () => (await import('../features/links/links-page.tsx')).LinksPage),
  },
  services: {
    title: 'nav.services',
    icon: 'services',
    Page: load(async () => (await import('../features/services/services-page.tsx')).ServicesPage),
  },
  incidents: {
    title: 'nav.incidents',
    icon: 'incidents',
    Page: load(async () => (await import('../features/incidents/incidents-page.tsx')).IncidentsPage),
  },
  playbooks: {
    title: 'nav.playbooks',
    icon: 'playbooks',
    Page: load(async () => (await import('../features/playbooks/playbooks-page.tsx')).PlaybooksPage),
  },
  slo: {
    title: 'nav.slo',
    icon: 'slo',
    Page: load(async () => (await import('../features/slo/slo-page.tsx')).SloPage),
  },
  policy: {
    title: 'nav.policy',
    icon: 'policy',
    Page: load(async () => (await import('../features/policy/policy-page.tsx')).PolicyPage),
  },
  audit: {
    title: 'nav.audit',
    icon: 'audit',
    Page: load(async () => (await import('../features/audit/audit-page.tsx')).AuditPage),
  },
  settings: {
    title: 'nav.settings',
    icon: 'settings',
    Page: load(async () => (await import('../features/settings/settings-page.tsx')).SettingsPage),
  },
}
