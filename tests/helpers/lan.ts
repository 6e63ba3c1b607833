import type { LanInterface } from '../../node-core/mesh/discovery/lan-interfaces.ts'
import type { LanWire, OnDatagram } from '../../node-core/mesh/discovery/lan-wire.ts'

/** A LAN in memory: what one node sends, every node on it hears at once, the sender too. */
export interface TestLan {
  /** All that was sent. */
  readonly sent: { readonly from: string; readonly datagram: Uint8Array }[]
  /** A machine with one address on it, that may be changed. */
  machine(address: string): TestMachine
  /** What anybody on the LAN could send. */
  inject(source: string, datagram: Uint8Array): void
}

export interface TestMachine {
  readonly wire: LanWire
  move(address: string): void
  /** Makes the next attempts to have the port fail. */
  block(isBlocked: boolean): void
}

export function createTestLan(): TestLan {
  const sent: { from: string; datagram: Uint8Array }[] = []
  const hearers = new Set<OnDatagram>()
  const inject: TestLan['inject'] = (source, datagram) => {
    for (const hear of [...hearers]) hear(datagram, source)
  }
  return {
    sent,
    inject,
    machine(address) {
      let here: readonly LanInterface[] = [{ address, prefix: 24 }]
      let used: readonly LanInterface[] = []
      let isBlocked = false
      let heard: OnDatagram | undefined
      const close = (): void => {
        if (heard !== undefined) hearers.delete(heard)
        used = []
      }
      return {
        move: (next) => {
          here = [{ address: next, prefix: 24 }]
        },
        block: (next) => {
          isBlocked = next
        },
        wire: {
          interfaces: () => here,
          async use(interfaces, onDatagram) {
            close()
            if (isBlocked) throw new Error('the port is taken')
            used = interfaces
            heard = onDatagram
            hearers.add(onDatagram)
          },
          send(from, datagram) {
            if (!used.some((one) => one.address === from)) return
            sent.push({ from, datagram })
            inject(from, datagram)
          },
          close,
        },
      }
    },
  }
}
