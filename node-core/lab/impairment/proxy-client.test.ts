import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { connectTcp, startTcpTarget, type TcpTarget } from '../../../tests/helpers/tcp-ends.ts'
import { processMark } from '../process-table.ts'
import { type ProxyClient, startProxy } from './proxy-client.ts'
import { OPEN_LINK } from './state.ts'

const PROGRAM = fileURLToPath(new URL('../entries/proxy.ts', import.meta.url))

describe('the proxy process', () => {
  let proxy: ProxyClient | undefined
  let target: TcpTarget | undefined

  afterEach(async () => {
    await proxy?.stop()
    await target?.close()
  })

  it('carries links, acknowledges what is in force, and takes every connection with it', async () => {
    target = await startTcpTarget()
    proxy = startProxy(PROGRAM)
    const ports = await Promise.all(
      ['one', 'two'].map((link) => proxy?.open(link, { seed: 1, targetPort: target?.port ?? 0 })),
    )
    expect(new Set(ports).size).toBe(2)
    const near = await connectTcp(ports[0] ?? 0)
    const far = await target.next()
    near.socket.write('hello')
    await eventually('it is carried', () => far.seen.bytes === 5)
    await proxy.set('two', { ...OPEN_LINK, cut: true })
    await expect(connectTcp(ports[1] ?? 0)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(await proxy.stats()).toMatchObject({
      one: { connections: 1, forthBytes: 5, isCut: false },
      two: { connections: 0, isCut: true },
    })
    await expect(proxy.set('three', OPEN_LINK)).rejects.toMatchObject({ code: 'LAB_PROXY_FAILED' })
    const { pid } = proxy
    await proxy.stop()
    await eventually('the connection is gone', () => near.seen.closed && far.seen.closed)
    expect(processMark(pid)).toBeUndefined()
    await expect(proxy.stats()).rejects.toMatchObject({ code: 'LAB_PROXY_FAILED' })
  })

  it('ends when whoever started it is gone', async () => {
    proxy = startProxy(PROGRAM)
    const { pid } = proxy
    await proxy.stats()
    process.kill(pid, 'SIGINT')
    await proxy.stats()
    process.kill(pid, 'SIGKILL')
    await expect(proxy.stats()).rejects.toMatchObject({ code: 'LAB_PROXY_FAILED' })
    await eventually('it is gone', () => processMark(pid) === undefined)
  })
})
