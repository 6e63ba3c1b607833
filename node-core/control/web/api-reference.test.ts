import { describe, expect, it } from 'vitest'
import { contract } from '../../contract/contract.ts'
import { createApiReference } from './api-reference.ts'

const ORIGIN = 'http://127.0.0.1:7071'

describe('the reference of the API', () => {
  it('is OpenAPI 3.1 and has every operation of the contract, with what it needs', async () => {
    const document: unknown = JSON.parse((await createApiReference(ORIGIN)).document)
    const paths = Object.entries(contract).flatMap(([group, members]) =>
      Object.keys(members).map((name) => `/${group}/${name}`),
    )
    expect(document).toMatchObject({
      openapi: expect.stringMatching(/^3\.1\./),
      servers: [{ url: `${ORIGIN}/api` }],
    })
    expect(Object.keys(Object(Reflect.get(Object(document), 'paths'))).sort()).toEqual(paths.sort())
    expect(JSON.stringify(document)).toContain('Needs the role admin in the mesh')
  })

  it('is a page that loads nothing from anywhere and runs nothing', async () => {
    const page = (await createApiReference(ORIGIN)).page('n"1')
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(|\son\w+=/)
    expect(page.match(/https?:\/\/[^\s"'<&]+/g)?.every((address) => address.startsWith(ORIGIN))).toBe(true)
    expect(page).toContain('<style nonce="n&quot;1">')
    expect(page).toContain('POST /api/node/status')
  })
})
