import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { ROOT } from './paths.ts'
import { publishedFiles } from './published-files.ts'

it.each([...publishedFiles()])('%s is what the source says: npm run published writes it', (path, text) => {
  const found = readFileSync(resolve(ROOT, path), 'utf8')
  // The formatter has its own way with JSON.
  if (path.endsWith('.json')) expect(JSON.parse(found)).toEqual(JSON.parse(text))
  else expect(found).toBe(text)
})
