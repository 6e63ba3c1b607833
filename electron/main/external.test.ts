import { describe, expect, it } from 'vitest'
import { externalAddress } from './external.ts'

describe('what may be opened outside of the app', () => {
  it('is a page of the hosts that our texts lead to, and a mail to one address', () => {
    expect(externalAddress('https://nodejs.org/en/download')).toBe('https://nodejs.org/en/download')
    expect(externalAddress('https://github.com/x/y?tab=readme')).toBe('https://github.com/x/y?tab=readme')
    expect(externalAddress('mailto:a.b@example.org')).toBe('mailto:a.b@example.org')
  })

  it.each([
    'http://nodejs.org/',
    'https://nodejs.org.evil.example/',
    'https://evil.example/nodejs.org',
    'https://nodejs.org@evil.example/',
    'https://user@nodejs.org/',
    'https://nodejs.org:8443/',
    'https://nodejs.org/dist/setup.exe',
    'https://nodejs.org/dist/setup.EXE',
    'https://nodejs.org/dist/setup%2Eexe',
    'https://nodejs.org/dist/setup.exe.',
    'https://nodejs.org/dist/setup.exe/',
    'https://nodejs.org/dist/setup.exe%20',
    'https://nodejs.org/run.sh?x=1',
    'https://nodejs.org/%',
    'mailto:a@example.org?attach=/etc/passwd',
    'mailto:a@example.org,b@example.org',
    'file:///usr/bin/setup.exe',
    'file:///etc/passwd',
    'smb://host/share',
    'ms-msdt:/id',
    'javascript:alert(1)',
    'x0t://join/x0t1abc',
    '\\\\host\\share\\setup.exe',
    '',
  ])('is not %s', (address) => {
    expect(externalAddress(address)).toBeUndefined()
  })
})
