/**
 * `npm run pack:headless`: release/x0tta6bl4-VERSION-SYSTEM-ARCH.tar.gz, a node with its own Node.js that runs wherever it is
 * unpacked. It is unpacked and started once before it counts as made.
 */
import { createHash } from 'node:crypto'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { PRODUCT_VERSION } from '../node-core/contract/version.ts'
import { writeArchive } from './headless-archive.ts'
import { tryOut } from './headless-check.ts'
import { headlessFiles } from './headless-files.ts'
import { ROOT } from './paths.ts'

const target = { platform: process.platform, arch: process.arch }
const name = `x0tta6bl4-${PRODUCT_VERSION}-${target.platform}-${target.arch}`
const out = resolve(ROOT, 'release', `${name}.tar.gz`)

try {
  const files = await headlessFiles(ROOT, target)
  await writeArchive({ name, files, links: { x0t: 'dist/x0t' }, out })
  await tryOut(out, name)
  const sum = createHash('sha256')
    .update(await readFile(out))
    .digest('hex')
  await writeFile(`${out}.sha256`, `${sum}  ${basename(out)}\n`)
  const { size } = await stat(out)
  console.log(`${out}: ${(size / 1_000_000).toFixed(0)} MB, ${files.length} files, sha256 ${sum}`)
} catch (error) {
  await rm(out, { force: true })
  const why = error instanceof Error ? error.message : String(error)
  console.error(
    `Nothing was packed: ${why}.\nIf something is missing: npm ci brings it on Linux, and npm run build makes dist/.`,
  )
  process.exitCode = 1
}
