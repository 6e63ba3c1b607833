import { z } from 'zod'
import type { ConfigChange } from '../../contract/config-schemas.ts'
import {
  checkSchema,
  nodeRefSchema,
  portSchema,
  serviceNameSchema,
  targetSchema,
} from '../../contract/schemas.ts'
import type { Services } from '../../services/services.ts'
import type { ConfiguredParts } from './config-store.ts'

const serviceValue = z.object({ target: targetSchema, check: checkSchema.optional() })
const forwardValue = z.object({ service: serviceNameSchema, node: nodeRefSchema.optional() })

/** The services and local ports of a running node as a part of its configuration. */
export function createConfiguredParts(services: Services): ConfiguredParts {
  async function applyService(
    name: z.infer<typeof serviceNameSchema>,
    { before, after }: ConfigChange,
  ): Promise<void> {
    if (before !== null) services.unexpose(name)
    if (after === null) return
    const { target, check } = serviceValue.parse(after)
    try {
      await services.expose({ name, target, check })
    } catch (error) {
      if (before !== null) await services.expose({ name, ...serviceValue.parse(before) })
      throw error
    }
  }

  async function applyForward(port: number, { before, after }: ConfigChange): Promise<void> {
    if (before !== null) services.unforward(port)
    if (after === null) return
    const { service, node } = forwardValue.parse(after)
    try {
      await services.forward({ port, service, node })
    } catch (error) {
      if (before !== null) await services.forward({ port, ...forwardValue.parse(before) })
      throw error
    }
  }

  return {
    read: () => ({
      services: services
        .services()
        .filter(({ local }) => local)
        .flatMap(({ name, target, check }) =>
          target === undefined
            ? []
            : [{ name, target, ...(check === undefined ? {} : { check: checkSchema.parse(check) }) }],
        ),
      forwards: services
        .forwards()
        .map(({ port, service, node }) => ({ port, service, ...(node === undefined ? {} : { node }) })),
      socks: services.socksPorts().map(({ port }) => port),
    }),
    async apply(change) {
      const [section, key = ''] = change.path.split('.')
      if (section === 'services') await applyService(serviceNameSchema.parse(key), change)
      else if (section === 'forwards') await applyForward(portSchema.parse(Number(key)), change)
      else if (section === 'socks' && change.after === null) services.unsocks(Number(key))
      else if (section === 'socks') await services.socks(Number(key))
    },
  }
}
