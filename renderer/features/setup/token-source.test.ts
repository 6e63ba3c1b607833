import { expect, it } from 'vitest'
import { tokenIn, tokenInFile } from './token-source.ts'

const TOKEN = 'x0t1abcdefghjkmnpqrstuvwxyz23456789'

it.each([
  ['alone', TOKEN],
  ['in the command', `$ x0t join ${TOKEN}\n`],
  ['with spaces around it', `   ${TOKEN}   `],
])('finds an invite %s', (_how, text) => {
  expect(tokenIn(text)).toBe(TOKEN)
})

it('finds none where there is none', () => {
  for (const text of ['', 'x0t', 'x0t1', 'hello', 'X0T1abc']) expect(tokenIn(text)).toBeUndefined()
})

it('reads an invite from a text file, and nothing from one that is too large', async () => {
  expect(await tokenInFile(new File([`${TOKEN}\n`], 'invite.txt', { type: 'text/plain' }))).toBe(TOKEN)
  const large = new File([new Uint8Array(21 * 1024 * 1024), TOKEN], 'invite.txt')
  expect(await tokenInFile(large)).toBeUndefined()
})
