import type { Status } from '../../node-core/contract/schemas.ts'
import { curl } from '../helpers/curl.ts'
import { freePort, startHttpSite } from '../helpers/http-site.ts'
import { type MeshFixture, type RunningNode, waitFor } from '../helpers/x0t.ts'
import { say, shown, step } from './tell.ts'

async function directLinks(node: RunningNode, count: number): Promise<Status> {
  let status: Status | undefined
  await waitFor(`${node.name} to have ${count} links`, async () => {
    status = await node.json<Status>(['status'])
    return status.links.filter((link) => link.state === 'up').length >= count
  })
  return status as Status
}

/** A mesh forms, carries a service, and shuts a member out. */
export async function threeMachines(mesh: MeshFixture): Promise<void> {
  const site = await startHttpSite(20_000_000)
  const port = await freePort()

  step(1, 'Three machines, here three processes with a home each. The first founds a mesh.')
  shown('anna', 'x0t init --mesh demo --name anna && x0t up')
  await mesh.init('anna')
  const anna = await mesh.up('anna')

  step(2, 'She invites the other two. An invite is a secret that works once.')
  for (const name of ['boris', 'clara']) {
    shown('anna', 'x0t invite')
    shown(name, `x0t join x0t1... --name ${name} && x0t up`)
    await mesh.join(name, anna)
  }
  const boris = await mesh.up('boris')
  const clara = await mesh.up('clara')

  step(3, 'They find each other. Every link is encrypted with keys from X25519 and ML-KEM-768 together.')
  for (const node of [anna, boris, clara]) {
    const status = await directLinks(node, 2)
    for (const link of status.links) {
      const rtt = link.rttMs === null ? 'not measured yet' : `${link.rttMs.toFixed(1)} ms (measured)`
      say(`   ${node.name} - ${link.name}: ${link.state}, round trip ${rtt}, suite ${link.suite}`)
    }
  }

  step(4, `Clara runs a web server on ${site.target} and offers it to the mesh as "site".`)
  shown('clara', `x0t expose site --to ${site.target} --check http:/`)
  await clara.json(['expose', 'site', '--to', site.target, '--check', 'http:/'])

  step(5, `Boris opens a local port that leads to it, and fetches a 20 MB file with curl.`)
  shown('boris', `x0t forward ${port} site`)
  await waitFor('boris to hear of the service', async () => {
    const { items } = await boris.json<{ items: { name: string; state: string }[] }>(['services'])
    return items.some((service) => service.name === 'site' && service.state === 'healthy')
  })
  await boris.json(['forward', String(port), 'site'])
  const url = `http://127.0.0.1:${port}${site.path}`
  say(`   boris $ curl ${url}`)
  const started = performance.now()
  const fetched = await curl(url)
  const seconds = (performance.now() - started) / 1_000
  if (fetched.code !== 0 || fetched.sha256 !== site.sha256) {
    throw new Error(`the file arrived wrong: curl ended with ${fetched.code}, ${fetched.stderr}`)
  }
  say(
    `   ${fetched.sizeBytes} bytes in ${seconds.toFixed(2)} s (measured), SHA-256 as on the server: ${fetched.sha256}`,
  )

  step(6, 'Anna takes Clara out of the mesh. Her links close everywhere and her service is gone.')
  shown('anna', 'x0t revoke clara')
  await anna.json(['revoke', 'clara'])
  const revoked = performance.now()
  await waitFor('boris to drop clara', async () => {
    const status = await boris.json<Status>(['status'])
    return !status.links.some((link) => link.name === 'clara' && link.state === 'up')
  })
  say(
    `   boris closed his link to clara after ${((performance.now() - revoked) / 1_000).toFixed(2)} s (measured)`,
  )
  const refused = await curl(url)
  if (refused.code === 0) throw new Error('a revoked member still served a file')
  say(`   boris $ curl ${url}\n   curl: ${refused.stderr.trim()}`)

  await site.close()
}
