/** What the headless package consists of. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** A system that a package is made for. */
export interface HeadlessTarget {
  readonly platform: string
  readonly arch: string
}

export interface PackedFile {
  /** In the project's folder. */
  readonly from: string
  /** In the package, with slashes. */
  readonly to: string
  readonly isProgram: boolean
}

interface Part {
  readonly from: string
  /** In place of `from`. */
  readonly to?: string
  /** Paths in `from` to take; all of them where there is none. */
  readonly take?: (path: string) => boolean
}

/** The Node.js that comes with the install, as the launcher looks for it. */
const nodeOf = ({ platform, arch }: HeadlessTarget): string => `node-${platform}-${arch}`

const isOneOf =
  (...patterns: readonly RegExp[]) =>
  (path: string): boolean =>
    patterns.some((pattern) => pattern.test(path))

/**
 * Everything is bundled into dist/, apart from the native SQLite and Node.js itself. What Node.js compiled at an earlier start
 * and the maps of the sources stay behind.
 */
const partsOf = (target: HeadlessTarget): readonly Part[] => [
  { from: 'dist', take: isOneOf(/^x0t$/, /^(?:node-core|renderer)\/(?!compiled\/).*(?<!\.map)$/) },
  {
    from: 'node_modules/better-sqlite3',
    take: isOneOf(
      /^(?:package\.json|LICENSE)$/,
      /^lib\//,
      new RegExp(`^prebuilds/${target.platform}-${target.arch}\\.node$`),
    ),
  },
  {
    from: `node_modules/${nodeOf(target)}`,
    take: isOneOf(/^(?:package\.json|LICENSE)$/, /^bin\/node$/),
  },
  { from: 'resources/Containerfile', to: 'Containerfile' },
  ...['package.json', 'LICENSE', 'README.md', 'docs/operations.md'].map((from) => ({ from })),
]

/** Without one of these a package would be made that does not run. */
const neededFor = (target: HeadlessTarget): readonly string[] => [
  ...['dist/x0t', 'dist/node-core/cli.js', 'dist/renderer/index.html'],
  `node_modules/better-sqlite3/prebuilds/${target.platform}-${target.arch}.node`,
  `node_modules/${nodeOf(target)}/bin/node`,
]

const PROGRAMS: readonly RegExp[] = [/^dist\/x0t$/, /\/bin\/node$/]

/** Its files in the order of their paths. @throws Error naming what is not there */
export async function headlessFiles(root: string, target: HeadlessTarget): Promise<readonly PackedFile[]> {
  const found = await Promise.all(partsOf(target).map((part) => filesOf(root, part)))
  const files = found.flat().sort((a, b) => (a.to < b.to ? -1 : 1))
  const names = new Set(files.map(({ to }) => to))
  const missing = neededFor(target).filter((path) => !names.has(path))
  if (missing.length > 0) throw new Error(`${missing.join(', ')} is not in ${root}`)
  return files
}

async function filesOf(root: string, { from, to = from, take }: Part): Promise<PackedFile[]> {
  const packed = (source: string, name: string): PackedFile => ({
    ...{ from: source, to: name, isProgram: isOneOf(...PROGRAMS)(name) },
  })
  if (take === undefined) return [packed(join(root, from), to)]
  const entries = await readdir(join(root, from), { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(join(root, from).length + 1)
        .replaceAll('\\', '/'),
    )
    .filter(take)
  return files.map((path) => packed(join(root, from, path), `${to}/${path}`))
}
