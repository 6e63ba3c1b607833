import { afterEach, beforeEach, expect, it } from 'vitest'
import { type CliHome, createCliHome } from '../../tests/helpers/cli-process.ts'

let home: CliHome
beforeEach(async () => {
  home = createCliHome()
  await home.serve()
})
afterEach(() => home.stop())

it('lists the channels, and says why one fails', async () => {
  const { code, stdout } = await home.run(['alert', 'list'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^ops +webhook +ready +critical, warning +opened +1 min/m)
  expect(stdout).toMatch(/^mail +email +failing/m)
  expect(stdout).toMatch(/^mail: the mail server was not told: it is down$/m)
})

it('answers a test by its exit code, and says what came of it', async () => {
  expect(await home.run(['alert', 'test', 'ops'])).toEqual({
    ...{ code: 0, stdout: 'The channel ops took a test in 12 ms.\n', stderr: '' },
  })
  const failed = await home.run(['alert', 'test', 'mail', '--json'])
  expect(failed.code).toBe(1)
  expect(JSON.parse(failed.stdout)).toMatchObject({ name: 'mail', delivered: false, tookMs: 12 })
  expect(await home.run(['alert', 'test', 'nope'])).toMatchObject({
    ...{ code: 1, stdout: '', stderr: expect.stringContaining('no alert channel nope') },
  })
})

it('prints figures as Prometheus reads them, and changes how much is logged', async () => {
  expect((await home.run(['metrics'])).stdout).toContain('\nx0t_link_up{peer="server"} 1\n')
  expect((await home.run(['log', 'level', 'debug'])).stdout).toBe(
    'The node logs debug; x0t.yaml says info.\n',
  )
  expect(await home.run(['log', 'level', '--for', '1m'])).toMatchObject({ code: 2, stdout: '' })
  expect(await home.run(['log', 'level', 'loud'])).toMatchObject({ code: 2, stdout: '' })
})
