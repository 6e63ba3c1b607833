/** Writes files as a tar.gz that is the same, byte for byte, wherever and whenever it is made of the same files. */
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { create } from 'tar'
import type { PackedFile } from './headless-files.ts'

/** No file is older or newer than another: what is built anew from the same sources is the same package. */
const TIME = new Date(0)
const PROGRAM_MODE = 0o755
const FILE_MODE = 0o644

export interface Archive {
  /** The folder that it unpacks to. */
  readonly name: string
  readonly files: readonly PackedFile[]
  /** Names in that folder and what they lead to. */
  readonly links: Readonly<Record<string, string>>
  readonly out: string
}

/** @returns the paths in it, in their order */
export async function writeArchive({ name, files, links, out }: Archive): Promise<readonly string[]> {
  // Copied first: modes are those of a checkout with whatever umask, and a link is none anywhere yet.
  const stage = await mkdtemp(join(tmpdir(), 'x0t-pack-'))
  try {
    for (const { from, to, isProgram } of files) {
      const copy = join(stage, name, to)
      await mkdir(dirname(copy), { recursive: true })
      await copyFile(from, copy)
      await chmod(copy, isProgram ? PROGRAM_MODE : FILE_MODE)
    }
    for (const [link, target] of Object.entries(links)) await symlink(target, join(stage, name, link))
    const paths = [...Object.keys(links), ...files.map(({ to }) => to)]
      .map((path) => `${name}/${path}`)
      .sort()
    await mkdir(dirname(out), { recursive: true })
    // `portable` leaves out who packed it: users, groups, devices, and the system in the header of gzip.
    await create(
      {
        file: out,
        cwd: stage,
        gzip: { level: 6 },
        portable: true,
        mtime: TIME,
        noDirRecurse: true,
        strict: true,
      },
      paths,
    )
    return paths
  } finally {
    await rm(stage, { recursive: true, force: true })
  }
}
