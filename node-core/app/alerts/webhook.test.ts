import { createHmac } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createHttpReceiver, type HttpReceiver } from '../../../tests/helpers/http-receiver.ts'
import { postWebhook } from './webhook.ts'

const SECRET = 'a secret of more than sixteen bytes'
const NOW_MS = 1_700_000_000_999
const BODY = { text: 'plan-1 waits for you', node: 'ada' }
const never = new AbortController().signal

let folder: string
let receiver: HttpReceiver

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'x0t-webhook-'))
  receiver = await createHttpReceiver()
})

afterEach(async () => {
  await receiver.close()
  await rm(folder, { recursive: true, force: true })
})

const secretFile = async (text = SECRET, mode = 0o600): Promise<string> => {
  const path = join(folder, 'secret')
  await writeFile(path, text)
  await chmod(path, mode)
  return path
}
const post = async (file: string, signal = never) =>
  postWebhook({ url: `${receiver.url}/hook`, secretFile: file }, BODY, NOW_MS, signal)

describe('the webhook', () => {
  it('is told over what only the holder of the secret can have signed, and when', async () => {
    await post(await secretFile(`${SECRET}\n`))
    const [{ headers, text } = expect.fail('nothing came')] = receiver.received
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
    expect(receiver.received).toEqual([])
  })

  it('fails when it says no, and follows it to no other place', async () => {
    const file = await secretFile()
    receiver.answer = { status: 500 }
    await expect(post(file)).rejects.toThrow(/answered 500/)
    receiver.answer = { status: 307, headers: { location: `${receiver.url}/elsewhere` } }
    await expect(post(file)).rejects.toThrow(/answered 307/)
    expect(receiver.received).toHaveLength(2)
  })

  it('fails when nobody listens, and when its time is up', async () => {
    const file = await secretFile()
    await expect(post(file, AbortSignal.abort(new Error('too late')))).rejects.toThrow(/was not told/)
    await receiver.close()
    await expect(post(file)).rejects.toThrow(/was not told/)
  })
})
