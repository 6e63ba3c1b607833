/** Builds everything into dist/: the bundles of vite.config.ts and the launcher `x0t`. Runs after every `npm ci`. */
import { chmod, copyFile, cp, mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createBuilder } from 'vite'

const root = resolve(import.meta.dirname, '..')
const began = performance.now()

try {
  const builder = await createBuilder({ configFile: resolve(root, 'vite.config.ts'), logLevel: 'warn' })
  await builder.buildApp()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}

await mkdir(resolve(root, 'dist'), { recursive: true })
await copyFile(resolve(root, 'scripts/x0t.sh'), resolve(root, 'dist/x0t'))
await chmod(resolve(root, 'dist/x0t'), 0o755)
await copyFile(resolve(root, 'scripts/x0t.cmd'), resolve(root, 'dist/x0t.cmd'))

// Read from beside the bundle, so that they stay texts that a person can open.
await cp(resolve(root, 'resources/playbooks'), resolve(root, 'dist/node-core/playbooks'), { recursive: true })

console.log(`built dist/ in ${((performance.now() - began) / 1000).toFixed(1)} s; the program is dist/x0t`)
