import { createHmac } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createHttpReceiver, type HttpReceiver } from '../../../tests/helpers/http-receiver.ts'
import { incidentIdOf } from '../../../tests/helpers/incidents.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import type { Alert } from '../../domain/alert.ts'
import { hasCode } from '../../platform/error.ts'
import { alertsSchema } from '../config/alert-schema.ts'
import type { AlertMessage } from './alert-text.ts'
import { deliver } from './deliver.ts'

const AT = 1_700_000_000_000
const TOKEN = '123456:a-token_that-only-the-service-knows'
const opened: Alert = {
  ...{ event: 'opened', severity: 'critical', code: 'node-down', title: 'boris <1> & co is down' },
  ...{ text: 'Nobody hears of it.', at: AT, incident: incidentIdOf('a'), plan: undefined },
}
const over: Alert = { ...opened, event: 'resolved', text: 'A delivery was verified.', at: AT + 5_000 }
const message = (...alerts: [Alert, ...Alert[]]): AlertMessage => ({ node: 'ada', mesh: 'home', alerts })

let folder: string
let receiver: HttpReceiver
let secretFile: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'x0t-alerts-'))
  receiver = await createHttpReceiver()
  receiver.answer = { status: 200, text: '{"ok":true}' }
  secretFile = join(folder, 'secret')
  await keep(TOKEN)
})
afterEach(async () => {
  await receiver.close()
  await rm(folder, { recursive: true, force: true })
})

const keep = async (text: string): Promise<void> => writeFile(secretFile, `${text}\n`, { mode: 0o600 })

/** By a channel as it stands in x0t.yaml. */
async function send(given: Record<string, unknown>, told = message(opened)): Promise<void> {
  const [channel = expect.fail('no channel')] = alertsSchema.parse([{ name: 'ops', ...given }])
  const deps = { clock: createManualClock(AT), root: folder }
  await deliver(deps, channel, told, new AbortController().signal)
}

async function failureOf(
  sending: Promise<void>,
): Promise<{ message: string; retry: unknown; retryAfterMs: unknown }> {
  const error: unknown = await sending.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!hasCode(error, 'NOTIFY_FAILED')) throw error
  const { retry, retryAfterMs } = { retry: undefined, retryAfterMs: undefined, ...error.fault }
  return { message: error.message, retry, retryAfterMs }
}

const onlyPost = () => {
  const [post = expect.fail('nothing came'), ...others] = receiver.received
  expect(others).toEqual([])
  return post
}

describe('a webhook', () => {
  it('gets all of a message, signed', async () => {
    await send({ kind: 'webhook', url: `${receiver.url}/hook`, secretFile }, message(opened, over))
    const { path, headers, text } = onlyPost()
    expect(path).toBe('/hook')
    const signature = createHmac('sha256', TOKEN)
      .update(`${AT / 1_000}.${text}`)
      .digest('hex')
    expect(headers['x-x0t-signature']).toBe(`t=${AT / 1_000},v1=${signature}`)
    expect(JSON.parse(text)).toMatchObject({
      ...{ schema: 1, node: 'ada', mesh: 'home', at: AT },
      alerts: [
        { event: 'opened', severity: 'critical', code: 'node-down', incident: opened.incident, plan: null },
        { event: 'resolved' },
      ],
    })
  })
})

describe('a command of the local list', () => {
  const declare = async (name: string): Promise<void> => {
    const script = join(folder, 'tell.sh')
    await writeFile(script, `#!/bin/sh\ncat > ${join(folder, 'told')}\n`)
    await chmod(script, 0o700)
    const list = `commands:\n  ${name}:\n    run: /bin/sh\n    args: [${script}]\n`
    await writeFile(join(folder, 'heal-commands.yaml'), list, { mode: 0o600 })
  }

  it('gets the document on its standard input', async () => {
    await declare('tell')
    await send({ kind: 'command', command: 'tell' })
    const told: unknown = JSON.parse(await readFile(join(folder, 'told'), 'utf8'))
    expect(told).toMatchObject({ node: 'ada', alerts: [{ event: 'opened' }] })
  })

  it('is run under no other name', async () => {
    await declare('tell')
    const failure = await failureOf(send({ kind: 'command', command: 'constructor' }))
    expect(failure).toMatchObject({ retry: false, message: expect.stringMatching(/declares none/) })
  })
})

describe('Slack', () => {
  it('gets text in which nothing of a title is markup', async () => {
    await keep(`${receiver.url}/services/T0/B0/secret`)
    await send({ kind: 'slack', secretFile })
    const { path, text } = onlyPost()
    expect(path).toBe('/services/T0/B0/secret')
    const { text: said }: { text: string } = JSON.parse(text)
    expect(said).toContain('boris &lt;1&gt; &amp; co is down')
    expect(said).toContain(`x0t incidents show ${opened.incident}`)
    expect(said).not.toContain('<1>')
  })

  it('is not told over a line that others can read', async () => {
    await keep('http://192.0.2.1/services/secret')
    const failure = await failureOf(send({ kind: 'slack', secretFile }))
    expect(failure.message).toMatch(/not the https address/)
    expect(failure.message).not.toContain('services')
  })
})

describe('Telegram', () => {
  const settings = () => ({ kind: 'telegram', chat: -100123, url: receiver.url, secretFile })

  it('gets plain text in the chat', async () => {
    await send(settings())
    const { path, text } = onlyPost()
    expect(path).toBe(`/bot${TOKEN}/sendMessage`)
    expect(JSON.parse(text)).toMatchObject({ chat_id: -100123, text: expect.stringContaining('<1>') })
    expect(JSON.parse(text)).not.toHaveProperty('parse_mode')
  })

  it('has taken a message only when it says so', async () => {
    receiver.answer = { status: 200, text: '<html>a proxy</html>' }
    expect(await failureOf(send(settings()))).toMatchObject({ retry: true })
  })

  it('takes no more than 4096 characters', async () => {
    const many = Array.from({ length: 60 }, (_one, at) => ({ ...opened, text: `${at} `.repeat(200) }))
    await send(settings(), message(opened, ...many))
    const { text }: { text: string } = JSON.parse(onlyPost().text)
    expect(text.length).toBe(4_096)
  })
})

describe('Splunk', () => {
  it('gets an event for each alert, with the token of its collector', async () => {
    await send({ kind: 'splunk', url: `${receiver.url}/`, index: 'mesh', secretFile }, message(opened, over))
    const { path, headers, text } = onlyPost()
    expect(path).toBe('/services/collector/event')
    expect(headers.authorization).toBe(`Splunk ${TOKEN}`)
    const events = text.split('\n').map((line): unknown => JSON.parse(line))
    expect(events).toMatchObject([
      { time: AT / 1_000, host: 'ada', index: 'mesh', sourcetype: 'x0t:alert', event: { event: 'opened' } },
      { time: AT / 1_000 + 5, event: { event: 'resolved', incident: opened.incident } },
    ])
  })
})

describe('Datadog', () => {
  const typeOf = async (...alerts: [Alert, ...Alert[]]): Promise<unknown> => {
    await send({ kind: 'datadog', url: receiver.url, tags: ['team:net'], secretFile }, message(...alerts))
    return JSON.parse(receiver.received.at(-1)?.text ?? '')
  }

  it('gets one event of a message, as bad as the worst that is not over', async () => {
    expect(await typeOf(opened)).toMatchObject({
      ...{ alert_type: 'error', host: 'ada', aggregation_key: opened.incident, date_happened: AT / 1_000 },
      tags: ['node:ada', 'mesh:home', 'severity:critical', 'team:net'],
    })
    expect(onlyPost()).toMatchObject({ path: '/api/v1/events', headers: { 'dd-api-key': TOKEN } })
    expect(await typeOf(over)).toMatchObject({ alert_type: 'success' })
    expect(await typeOf(over, { ...opened, severity: 'warning' })).toMatchObject({ alert_type: 'warning' })
  })
})

describe('every receiver', () => {
  const splunk = () => ({ kind: 'splunk', url: receiver.url, secretFile })

  it('that is busy is tried again when it says, one that says no is not', async () => {
    receiver.answer = { status: 429, headers: { 'retry-after': '7' } }
    expect(await failureOf(send(splunk()))).toMatchObject({ retry: true, retryAfterMs: 7_000 })
    receiver.answer = { status: 503 }
    expect(await failureOf(send(splunk()))).toMatchObject({ retry: true, retryAfterMs: undefined })
    receiver.answer = { status: 403, text: `{"text":"wrong token ${TOKEN}"}` }
    const refused = await failureOf(send(splunk()))
    expect(refused).toMatchObject({
      retry: false,
      message: expect.stringMatching(/answered 403.*wrong token/),
    })
    expect(refused.message).not.toContain(TOKEN)
    await receiver.close()
    expect(await failureOf(send(splunk()))).toMatchObject({ retry: true })
  })

  it('is not told with a secret that is missing, that others can read, or that breaks a header', async () => {
    await keep('two words or more')
    expect((await failureOf(send(splunk()))).message).toMatch(/not one word/)
    await chmod(secretFile, 0o644)
    await expect(send(splunk())).rejects.toThrow(/mode 0644/)
    await rm(secretFile)
    expect((await failureOf(send(splunk()))).message).toMatch(/is not there/)
    expect(receiver.received).toEqual([])
  })
})
