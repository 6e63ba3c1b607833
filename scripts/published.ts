import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { ROOT } from './paths.ts'
import { publishedFiles } from './published-files.ts'

for (const [path, text] of publishedFiles()) {
  writeFileSync(resolve(ROOT, path), text)
  console.log(`wrote ${path}`)
}
