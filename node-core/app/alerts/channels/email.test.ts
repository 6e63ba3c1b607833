import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { incidentIdOf } from '../../../../tests/helpers/incidents.ts'
import type { Alert } from '../../../domain/alert.ts'
import { hasCode } from '../../../platform/error.ts'
import { alertsSchema } from '../../config/alert-schema.ts'
import { sendEmail } from './email.ts'

const PASSWORD = 'a password that nobody reads in a log'
const ALERT: Alert = {
  ...{
    event: 'opened',
    severity: 'critical',
    code: 'node-down',
    title: 'boris\r\nBcc: eve@example.org is down',
  },
  ...{ text: 'Nobody hears of it.\n.\nStill the same mail.', at: 1_700_000_000_000 },
  ...{ incident: incidentIdOf('a'), plan: undefined },
}

interface Mail {
  readonly from: string
  readonly to: readonly string[]
  readonly text: string
  readonly secure: boolean
  readonly user: string | undefined
}

let folder: string
let servers: SMTPServer[] = []
let mails: Mail[] = []

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'x0t-mail-'))
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')]
  const names = ['-subj', '/CN=mail', '-addext', 'subjectAltName=IP:127.0.0.1']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  execFileSync('openssl', ['req', '-x509', '-days', '2', ...key, ...files, ...names], { stdio: 'ignore' })
  writeFileSync(join(folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeEach(() => {
  mails = []
})
afterEach(async () => {
  for (const server of servers) await new Promise<void>((done) => server.close(done))
  servers = []
})

/** A real mail server on loopback; gives its port. */
async function serve(options: SMTPServerOptions): Promise<number> {
  const server = new SMTPServer({
    ...{ logger: false, closeTimeout: 10, disableReverseLookup: true },
    onAuth({ username, password }, _session, done) {
      if (password === PASSWORD) done(null, { user: username })
      else done(new Error('who are you?'))
    },
    onData(stream, { envelope, secure, user }, done) {
      let text = ''
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      stream.on('end', () => {
        const { mailFrom, rcptTo } = envelope
        const to = rcptTo.map(({ address }) => address)
        mails.push({ from: mailFrom === false ? '' : mailFrom.address, to, text, secure, user })
        done()
      })
    },
    ...options,
  })
  // A client that walks away in the middle is part of these tests.
  server.on('error', () => {})
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  return (server.server.address() as AddressInfo).port
}

const certified = () => ({
  key: readFileSync(join(folder, 'key.pem')),
  cert: readFileSync(join(folder, 'cert.pem')),
})
const plain: SMTPServerOptions = { disabledCommands: ['STARTTLS'], authOptional: true }

async function send(port: number, given: Record<string, unknown>): Promise<void> {
  const [channel = expect.fail('no channel')] = alertsSchema.parse([
    {
      ...{ name: 'mail', kind: 'email', host: '127.0.0.1', port },
      ...{ from: 'x0t@example.org', to: ['ada@example.org', 'ops@example.org'], ...given },
    },
  ])
  if (channel.kind !== 'email') throw new TypeError('an e-mail channel was asked for')
  const message = { node: 'ada', mesh: 'home', alerts: [ALERT] as const }
  await sendEmail(channel, message, new AbortController().signal)
}

async function failureOf(sending: Promise<void>): Promise<{ message: string; retry: unknown }> {
  const error: unknown = await sending.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!hasCode(error, 'NOTIFY_FAILED')) throw error
  return { message: error.message, retry: 'retry' in error.fault ? error.fault.retry : undefined }
}

it('reaches all recipients with one mail, whatever stands in a title', async () => {
  await send(await serve(plain), { security: 'none' })
  expect(mails).toHaveLength(1)
  const [{ from, to, text } = expect.fail('no mail')] = mails
  expect({ from, to }).toEqual({ from: 'x0t@example.org', to: ['ada@example.org', 'ops@example.org'] })
  const [head = ''] = text.split('\r\n\r\n', 1)
  expect(head.replaceAll(/\r\n[ \t]+/g, ' ')).toMatch(
    /^Subject: \[x0t ada\] Critical: boris Bcc: eve@example.org is down$/m,
  )
  expect(head).not.toMatch(/^Bcc:/im)
  expect(text).toContain(`x0t incidents show ${ALERT.incident}`)
  expect(text).toContain('Still the same mail.')
})

it('logs in over STARTTLS and over TLS, with a server that it can verify', async () => {
  const login = { user: 'ada', secretFile: join(folder, 'password'), caFile: join(folder, 'cert.pem') }
  await send(await serve(certified()), { ...login, security: 'starttls' })
  await send(await serve({ ...certified(), secure: true }), { ...login, security: 'tls' })
  expect(mails.map(({ secure, user }) => ({ secure, user }))).toEqual([
    { secure: true, user: 'ada' },
    { secure: true, user: 'ada' },
  ])
})

it('says nothing to a server that it cannot verify, or that does not encrypt', async () => {
  const login = { user: 'ada', secretFile: join(folder, 'password') }
  await failureOf(send(await serve({ ...certified(), secure: true }), { ...login, security: 'tls' }))
  const bare = await failureOf(send(await serve(plain), { ...login, security: 'starttls' }))
  expect(bare.retry).toBe(false)
  expect(mails).toEqual([])
})

it('tells what may succeed later from what will not, and never the password', async () => {
  writeFileSync(join(folder, 'wrong'), 'another password\n', { mode: 0o600 })
  const secured = { caFile: join(folder, 'cert.pem'), security: 'starttls' }
  const login = { ...secured, user: 'ada', secretFile: join(folder, 'wrong') }
  const refused = await failureOf(send(await serve(certified()), login))
  expect(refused.retry).toBe(false)
  expect(refused.message).not.toContain('another password')
  const answering = (responseCode: number): SMTPServerOptions => ({
    ...plain,
    onRcptTo: (_address, _session, done) => done(Object.assign(new Error('not now'), { responseCode })),
  })
  const open = { security: 'none' }
  expect(await failureOf(send(await serve(answering(451)), open))).toMatchObject({ retry: true })
  expect(await failureOf(send(await serve(answering(550)), open))).toMatchObject({ retry: false })
  const port = await serve(plain)
  for (const server of servers.splice(0)) await new Promise<void>((done) => server.close(done))
  expect(await failureOf(send(port, open))).toMatchObject({ retry: true })
})
