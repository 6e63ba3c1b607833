import type { NodeApi } from '../../control/node-api.ts'
import type { NodeParts } from '../node-parts.ts'
import { socksView } from './views.ts'

export function socksOperations({ services }: NodeParts): NodeApi['socks'] {
  return {
    list: async () => ({ items: services.socksPorts().map(socksView) }),
    add: async ({ port }) => ({ socks: socksView(await services.socks(port)) }),
    remove: async ({ port }) => ({ port: services.unsocks(port).port }),
  }
}
