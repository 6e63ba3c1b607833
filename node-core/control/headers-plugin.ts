import type { StandardHandlerOptions, StandardHandlerPlugin } from '@orpc/server/standard'
import type { CallContext } from './gate.ts'

/**
 * Hands the headers of a call to the operation that judges it. oRPC's own plugin makes `Headers` of them, and the first
 * of those loads all of Node's fetch: 17 MB resident, in a process that never fetches.
 */
export function headersPlugin(): StandardHandlerPlugin<CallContext> {
  return {
    init(options: StandardHandlerOptions<CallContext>) {
      options.rootInterceptors ??= []
      options.rootInterceptors.push((call) => {
        const { headers } = call.request
        const header = (name: string): string | undefined => {
          const value = headers[name]
          return typeof value === 'string' ? value : value?.join(', ')
        }
        return call.next({ ...call, context: { ...call.context, header } })
      })
    },
  }
}
