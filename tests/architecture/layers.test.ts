import { readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { CANARY, cruise, SOURCE_FOLDERS } from '../../scripts/architecture.ts'
import { ROOT } from '../../scripts/paths.ts'

const config = z
  .object({ forbidden: z.array(z.object({ name: z.string() })) })
  .parse(createRequire(import.meta.url)('../../.dependency-cruiser.cjs'))

async function sourceFilesIn(folder: string): Promise<string[]> {
  const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1))
    .filter((file) => !file.startsWith('tests/architecture/canary/'))
}

describe('the layer rules', () => {
  it('report the canary, which breaks one on purpose by importing a type', async () => {
    const { violations } = await cruise(CANARY, ['node-core'])
    expect(violations).toEqual([
      {
        rule: 'layer-domain',
        from: 'node-core/domain/breaks-the-rule.ts',
        to: 'node-core/platform/clock.ts',
      },
    ])
  })

  it('cover every folder of node-core', async () => {
    const folders = (await readdir(join(ROOT, 'node-core'), { withFileTypes: true })).filter((entry) =>
      entry.isDirectory(),
    )
    const covered = config.forbidden.map((rule) => rule.name)
    expect(folders.map((folder) => `layer-${folder.name}`).filter((rule) => !covered.includes(rule))).toEqual(
      [],
    )
  })

  it('read every source file of the project', async () => {
    const { files } = await cruise(ROOT, SOURCE_FOLDERS)
    const onDisk = (await Promise.all(SOURCE_FOLDERS.map(sourceFilesIn))).flat()
    expect(onDisk.filter((file) => !files.includes(file))).toEqual([])
  })
})
