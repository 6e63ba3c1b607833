import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTab, startBrowser } from '../helpers/console-page.ts'
import { createMeshFixture, type MeshFixture } from '../helpers/x0t.ts'

describe('the first run', () => {
  let mesh: MeshFixture
  let browser: Browser
  let folder: string

  beforeAll(async () => {
    mesh = await createMeshFixture()
    folder = await mkdtemp(join(tmpdir(), 'x0t-first-run-'))
    browser = await startBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await mesh?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('makes a mesh, and lets a second machine in by a picture of the invite, all in the browser', async () => {
    const founder = await mesh.up('founder', ['--console'])
    const tab = await openTab(browser)
    await tab.page.goto((await founder.json<{ url: string }>(['console', '--print'])).url)
    await tab.page.getByRole('heading', { name: 'This machine belongs to no mesh yet' }).waitFor()
    expect(await tab.axe()).toEqual([])
    await tab.picture('setup-light-en-1280')
    await tab.page.getByRole('button', { name: /^Create a mesh/ }).click()
    expect(await tab.axe()).toEqual([])
    await tab.page.getByLabel('Name of the mesh').fill('garden')
    await tab.page.getByLabel('Name of this machine').fill('founder')
    await tab.picture('setup-create-light-en-1280')
    await tab.page.getByRole('button', { name: 'Create the mesh' }).click()
    await tab.page.getByRole('heading', { name: 'garden' }).waitFor()
    await tab.page.getByText('founder is the only member of its mesh.').waitFor()

    await tab.open('#/nodes')
    await tab.page.getByRole('button', { name: 'Invite a machine' }).click()
    await tab.page.getByLabel('Ask me before it is let in').uncheck({ force: true })
    await tab.page.getByRole('button', { name: 'Make the invite' }).click()
    const code = tab.page.getByRole('img', { name: 'The invite as a QR code' })
    await code.waitFor()
    const picture = join(folder, 'invite.png')
    await code.screenshot({ path: picture })

    const second = await mesh.up('second', ['--console'])
    const other = await openTab(browser, 360)
    await other.page.goto((await second.json<{ url: string }>(['console', '--print'])).url)
    await other.page.getByRole('button', { name: /^Join a mesh/ }).click()
    const [chooser] = await Promise.all([
      other.page.waitForEvent('filechooser'),
      other.page.getByRole('button', { name: 'Choose a file' }).click(),
    ])
    await chooser.setFiles(picture)
    await other.page.getByText('Compare the fingerprint').waitFor()
    expect(await other.axe()).toEqual([])
    await other.picture('setup-join-light-en-360')
    await other.page.getByLabel('Name of this machine').fill('second')
    await other.page.getByRole('button', { name: 'Join', exact: true }).click()
    await other.page.getByRole('heading', { name: /garden|[0-9a-f]{8}/ }).waitFor()
    await tab.page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
    await tab.page.getByRole('row', { name: /^second Direct link/ }).waitFor()
    expect([...tab.complaints, ...other.complaints].filter((text) => !/WebSocket/.test(text))).toEqual([])
  })
})
