import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ip = (...args: string[]): Promise<unknown> => run('ip', args)

/** A LAN of namespaces on this machine. It is connected to nothing else: no packet on it can leave. */
export interface TestNetwork {
  /** One per machine on the LAN. */
  readonly namespaces: readonly string[]
  /** Gives a machine this address, a /24, in place of the one that it had. */
  setAddress(at: number, address: string): Promise<void>
  /** Can be called twice. */
  remove(): Promise<void>
}

/** Why no network namespace can be made here; `undefined` when one can. */
export async function whyNoNetwork(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux'
  if (process.getuid?.() !== 0) return 'making a network namespace takes root'
  const name = `x0t-probe-${process.pid}`
  try {
    await ip('netns', 'add', name)
    await ip('netns', 'del', name)
    return undefined
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    return isMissing ? 'iproute2 is not installed' : 'this system lets nobody make a network namespace'
  }
}

/** Namespaces whose only interface besides their loopback is one end of a virtual cable to a bridge of their own. */
export async function createTestNetwork(machines: number): Promise<TestNetwork> {
  const id = process.pid.toString(36)
  const hub = `x0t-${id}-hub`
  const namespaces = Array.from({ length: machines }, (_none, at) => `x0t-${id}-${at}`)
  const remove = async (): Promise<void> => {
    // The cables go with their namespaces.
    for (const namespace of [hub, ...namespaces]) await ip('netns', 'del', namespace).catch(() => {})
  }
  try {
    await ip('netns', 'add', hub)
    await ip('-n', hub, 'link', 'add', 'br0', 'type', 'bridge')
    await ip('-n', hub, 'link', 'set', 'br0', 'up')
    for (const [at, namespace] of namespaces.entries()) {
      await ip('netns', 'add', namespace)
      await ip('-n', namespace, 'link', 'set', 'lo', 'up')
      await ip('-n', hub, 'link', 'add', `c${at}`, 'type', 'veth', 'peer', 'name', 'lan0', 'netns', namespace)
      await ip('-n', hub, 'link', 'set', `c${at}`, 'master', 'br0', 'up')
      await ip('-n', namespace, 'link', 'set', 'lan0', 'up')
    }
  } catch (error) {
    await remove()
    throw error
  }
  return {
    namespaces,
    remove,
    async setAddress(at, address) {
      const namespace = namespaces[at]
      if (namespace === undefined) throw new RangeError(`there is no machine ${at}`)
      await ip('-n', namespace, 'addr', 'flush', 'dev', 'lan0', 'scope', 'global')
      await ip('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'lan0')
    },
  }
}
