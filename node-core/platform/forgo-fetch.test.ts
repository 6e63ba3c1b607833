import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'

const MODULE = new URL('forgo-fetch.ts', import.meta.url).href

/** Whether Node.js has loaded its fetch, in a process of its own that runs `code` first. */
function hasLoadedFetch(code: string): boolean {
  const { stdout } = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `${code}; console.log(process.moduleLoadList.some((name) => name.includes('undici')))`,
    ],
    { encoding: 'utf8' },
  )
  return stdout.trim() === 'true'
}

it('keeps the question for form data from loading all of fetch', () => {
  const question = 'if ({} instanceof FormData) throw new Error()'
  // What it is for: without it, or on a Node.js that would not need it, this says so.
  expect(hasLoadedFetch(question)).toBe(true)
  expect(hasLoadedFetch(`import { forgoFetch } from '${MODULE}'; forgoFetch(); ${question}`)).toBe(false)
})
