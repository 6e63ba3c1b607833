import type { PeerId } from '../../domain/ids.ts'
import type { Host } from '../../mesh/host/host.ts'
import type { FlowTransport } from '../../services/ports.ts'
import type { SpanLine } from './span-line.ts'

/** A host whose dials are spans. */
export function measuredHost(host: Host, spans: SpanLine): Host {
  const about = (addresses: readonly string[], again: boolean) => () => ({
    ...{ 'x0t.addresses': addresses.join(' '), 'x0t.anew': again },
  })
  return {
    ...host,
    dial: (addresses, signal) =>
      spans.measure('x0t.dial', about(addresses, false), () => host.dial(addresses, signal)),
    redial: (addresses, signal) =>
      spans.measure('x0t.dial', about(addresses, true), () => host.redial(addresses, signal)),
  }
}

/** Flows to members, each opening of which is a span. */
export const measuredFlows = (
  flows: FlowTransport,
  spans: SpanLine,
  nameOf: (peer: PeerId) => string,
): FlowTransport => ({
  open: (peer, signal) =>
    spans.measure(
      'x0t.session.open',
      () => ({ 'x0t.peer.id': peer, 'x0t.peer.name': nameOf(peer) }),
      () => flows.open(peer, signal),
    ),
  handle: (handler) => flows.handle(handler),
})
