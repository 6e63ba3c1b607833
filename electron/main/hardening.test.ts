import { resolve, sep } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  APP_URL,
  assetHeaders,
  CONTENT_SECURITY_POLICY,
  isOwnAddress,
  isOwnFrame,
  resolveAsset,
} from './hardening.ts'

const folder = resolve('/srv/console/renderer')

describe('the content security policy', () => {
  const directives = new Map(
    CONTENT_SECURITY_POLICY.split('; ').map((directive) => {
      const [name = '', ...values] = directive.split(' ')
      return [name, values.join(' ')]
    }),
  )

  it('allows nothing by default and no inline code, no eval, no remote source anywhere', () => {
    expect(directives.get('default-src')).toBe("'none'")
    expect(CONTENT_SECURITY_POLICY).not.toMatch(/unsafe|https?:|data:|blob:|\*/)
  })

  it('takes scripts and styles from our own files and lets the page connect nowhere', () => {
    expect(directives.get('script-src')).toBe("'self'")
    expect(directives.get('style-src')).toBe("'self'")
    for (const name of ['connect-src', 'base-uri', 'form-action', 'frame-ancestors', 'object-src']) {
      expect(directives.get(name)).toBe("'none'")
    }
  })

  it('is on every answer, with the type of the file', () => {
    const headers = assetHeaders('/srv/console/renderer/assets/index-1.js')
    expect(headers['content-security-policy']).toBe(CONTENT_SECURITY_POLICY)
    expect(headers['content-type']).toMatch(/^text\/javascript/)
    expect(assetHeaders('strange')['content-type']).toBe('application/octet-stream')
  })
})

describe('resolveAsset', () => {
  it('finds the page and its files', () => {
    expect(resolveAsset(folder, APP_URL)).toBe(resolve(folder, 'index.html'))
    expect(resolveAsset(folder, 'app://console/assets/a%20b.css?v=1#top')).toBe(
      resolve(folder, 'assets/a b.css'),
    )
  })

  it.each([
    'app://console/..%2f..%2fetc/passwd',
    'app://console/%2e%2e/%2e%2e/etc/passwd%00.html',
    'app://console/assets/..%2f..%2f..%2fmain.js',
    'app://console/..%5c..%5cwindows',
    'app://console/%',
    'app://console/..%2frenderer-evil/index.html',
    'app://other/index.html',
    'app://user@console/index.html',
    'https://console/index.html',
    'file:///etc/passwd',
    'null',
    '',
  ])('refuses %s', (address) => {
    expect(resolveAsset(folder, address)).toBeUndefined()
  })

  it('never leaves the folder, whatever the path and however it is encoded', () => {
    const piece = fc.constantFrom(
      '..',
      '.',
      '/',
      '%2e',
      '%2f',
      '%5c',
      '\\',
      'a',
      '%00',
      '%25',
      '%252e',
      ':',
      'c:',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const file = resolveAsset(folder, `app://console/${pieces.join('')}`)
        expect(file === undefined || file.startsWith(folder + sep)).toBe(true)
      }),
    )
  })
})

describe('who may talk to the main process', () => {
  it('is the top frame of our own page', () => {
    expect(isOwnFrame({ url: 'app://console/index.html', parent: null })).toBe(true)
  })

  it('is no frame inside a page, no other page and no frame that is gone', () => {
    expect(isOwnFrame({ url: APP_URL, parent: {} })).toBe(false)
    expect(isOwnFrame({ url: 'https://console/', parent: null })).toBe(false)
    expect(isOwnFrame({ url: 'app://console.evil.example/', parent: null })).toBe(false)
    expect(isOwnFrame({ url: '', parent: null })).toBe(false)
    expect(isOwnFrame(null)).toBe(false)
    expect(isOwnFrame(undefined)).toBe(false)
  })

  it('never throws on an address that is none', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof isOwnAddress(text) === 'boolean'))
  })
})
