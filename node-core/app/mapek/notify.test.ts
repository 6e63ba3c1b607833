import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { postWebhook } from './notify.ts'

const SECRET = 'a secret of more than sixteen bytes'
const NOW_MS = 1_700_000_000_999
const BODY = { text: 'plan-1 waits for you', node: 'ada' }
const never = new AbortController().signal

let folder: string
let server: Server
let url: string
let received: { headers: IncomingHttpHeaders; text: string }[]
/** What the receiver answers with. */
let answer: { status: number; headers?: Record<string, string> }

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'x0t-webhook-'))
  received = []
  answer = { status: 204 }
  server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    request.on('end', () => {
      received.push({ headers: request.headers, text })
      response.writeHead(answer.status, answer.headers).end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
})

afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await rm(folder, { recursive: true, force: true })
})

const secretFile = async (text = SECRET, mode = 0o600): Promise<string> => {
  const path = join(folder, 'secret')
  await writeFile(path, text)
  await chmod(path, mode)
  return path
}
const post = async (file: string, signal = never) =>
  postWebhook({ url, secretFile: file }, BODY, NOW_MS, signal)

describe('the webhook', () => {
  it('is told over what only the holder of the secret can have signed, and when', async () => {
    await post(await secretFile(`${SECRET}\n`))
    const [{ headers, text } = expect.fail('nothing came')] = received
    expect(JSON.parse(text)).toEqual(BODY)
    expect(headers['content-type']).toBe('application/json')
    const expected = createHmac('sha256', SECRET).update(`1700000000.${text}`).digest('hex')
    expect(headers['x-x0t-signature']).toBe(`t=1700000000,v1=${expected}`)
    const other = createHmac('sha256', SECRET).update(`1700000001.${text}`).digest('hex')
    expect(headers['x-x0t-signature']).not.toContain(other)
  })

  it('is not told with a secret that is missing, too short or readable by others', async () => {
    await expect(post(join(folder, 'nowhere'))).rejects.toThrow(/is not there/)
    await expect(post(await secretFile('short'))).rejects.toThrow(/fewer than 16 bytes/)
    await expect(post(await secretFile(SECRET, 0o644))).rejects.toThrow()
    expect(received).toEqual([])
  })

  it('fails when it says no, and follows it to no other place', async () => {
    const file = await secretFile()
    answer = { status: 500 }
    await expect(post(file)).rejects.toThrow(/answered 500/)
    answer = { status: 307, headers: { location: url.replace('/hook', '/elsewhere') } }
    await expect(post(file)).rejects.toThrow(/was not told/)
    expect(received).toHaveLength(2)
  })

  it('fails when nobody listens, and when its time is up', async () => {
    const file = await secretFile()
    await expect(post(file, AbortSignal.abort(new Error('too late')))).rejects.toThrow(/was not told/)
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
    await expect(post(file)).rejects.toThrow(/was not told/)
  })
})
