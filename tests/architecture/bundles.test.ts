import { readdir, readFile } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { parseAst } from 'vite'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../../scripts/paths.ts'

const DIST = join(ROOT, 'dist')
const KIB = 1024
/** What a first look at the console may cost over a network, gzipped. */
const MAX_FIRST_LOAD_BYTES = 450 * KIB

async function filesIn(folder: string, ending: string): Promise<string[]> {
  const entries = await readdir(join(DIST, folder), { recursive: true })
  return entries.filter((name) => name.endsWith(ending)).map((name) => join(DIST, folder, name))
}

/** What a bundle asks its runtime for, apart from its own chunks: by import, export from, import() and require(). */
const importsOf = (source: string): string[] =>
  namesIn(source, [...AT_START, 'ImportExpression']).filter((name) => !name.startsWith('.'))

function namesIn(source: string, loading: readonly string[]): string[] {
  const names: string[] = []
  const visit = (value: unknown): void => {
    if (!isObject(value)) return
    if (loading.includes(String(value['type']))) names.push(...textOf(value['source']))
    if (value['type'] === 'CallExpression' && isRequire(value['callee']))
      names.push(...textOf(value['arguments']))
    for (const inner of Object.values(value)) visit(inner)
  }
  visit(parseAst(source))
  return names
}

const AT_START = ['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration']

/** A program of dist/node-core and the chunks that it loads whatever it is told to do, without those of `import()`. */
async function loadedAtStart(program: string): Promise<string[]> {
  const files = new Set([join(DIST, 'node-core', program)])
  // The set grows while it is walked.
  for (const file of files) {
    const names = namesIn(await readFile(file, 'utf8'), AT_START)
    for (const name of names) if (name.startsWith('.')) files.add(resolve(dirname(file), name))
  }
  return [...files]
}

function isRequire(callee: unknown): boolean {
  return isObject(callee) && /^(__)?require$/.test(String(callee['name']))
}

/** The text of a literal, or of the only literal of a list; nothing for what is computed. */
function textOf(value: unknown): string[] {
  const literal: unknown = Array.isArray(value) ? value[0] : value
  return isObject(literal) && typeof literal['value'] === 'string' ? [literal['value']] : []
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

/** The scripts and styles that the page names, all that they import, and the first page of the console. */
async function firstLoad(page: string): Promise<string[]> {
  const assets = await readdir(join(DIST, 'renderer/assets'))
  const named = [...page.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(([, name = '']) => name)
  const overview = assets
    .filter((name) => /^(?:main|overview-page)-.*\.(?:js|css)$/.test(name))
    .map((name) => `assets/${name}`)
  const found = new Set<string>()
  const queue = [...named, ...overview]
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (found.has(name)) continue
    found.add(name)
    if (!name.endsWith('.js')) continue
    const source = await readFile(join(DIST, 'renderer', name), 'utf8')
    for (const [, other] of source.matchAll(/(?:from|import)\s*"\.\/([\w.-]+\.js)"/g))
      queue.push(`assets/${other}`)
  }
  // The Latin letters of the typeface come with the first page; others when a text needs them.
  const font = assets.filter((name) => /^inter-latin-.*\.woff2$/.test(name)).map((name) => `assets/${name}`)
  return [...found, ...font].map((name) => join(DIST, 'renderer', name))
}

const isBuiltin = (name: string): boolean => name.startsWith('node:') || builtinModules.includes(name)

async function foreignImports(files: readonly string[], allowed: readonly string[]): Promise<string[]> {
  const sources = await Promise.all(files.map((file) => readFile(file, 'utf8')))
  return [...new Set(sources.flatMap(importsOf))].filter(
    (name) => !isBuiltin(name) && !allowed.includes(name),
  )
}

describe('the bundles', () => {
  it('of the node need Node.js and better-sqlite3, and nothing else of node_modules', async () => {
    const files = await filesIn('node-core', '.js')
    const names = files.map((file) => file.slice(join(DIST, 'node-core/').length))
    expect(names).toEqual(
      expect.arrayContaining([
        'cli.js',
        'node.js',
        'init.js',
        'join.js',
        'lab.js',
        'lab-proxy.js',
        'lab-reaper.js',
      ]),
    )
    expect(await foreignImports(files, ['better-sqlite3'])).toEqual([])
  })

  it('of the node do not start with node:http, whose exports load undici when they are read, nor with alerts by mail or OpenTelemetry', async () => {
    for (const program of ['node.js', 'cli.js', 'lab.js']) {
      const files = await loadedAtStart(program)
      expect(files.length).toBeGreaterThan(3)
      expect(files.filter((file) => /email|otlp|telemetry/.test(file))).toEqual([])
      const sources = await Promise.all(files.map((file) => readFile(file, 'utf8')))
      // Whatever the chunk is called: the SDK reads these variables, and its API is kept under this name.
      expect(
        sources.filter((source) => /OTEL_(?:EXPORTER|BSP|BLRP|RESOURCE)|opentelemetry\.js\.api/.test(source)),
      ).toEqual([])
      expect(sources.flatMap(importsOf).filter((name) => /^(?:node:)?https?$/.test(name))).toEqual([])
    }
  })

  it("of the desktop's main process and core need Node.js and Electron alone, and the preload Electron alone", async () => {
    const files = await filesIn('electron', '.js')
    expect(files).toEqual(
      expect.arrayContaining(['main', 'core'].map((name) => join(DIST, `electron/${name}.js`))),
    )
    expect(await foreignImports(files, ['electron'])).toEqual([])
    const preload = importsOf(await readFile(join(DIST, 'electron/preload.cjs'), 'utf8'))
    expect(preload).toEqual(['electron'])
  })

  it('of the page hold no inline script or style and stay small', async () => {
    const page = await readFile(join(DIST, 'renderer/index.html'), 'utf8')
    expect(page).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|https?:/)
    const files = await firstLoad(page)
    expect(files.length).toBeGreaterThan(2)
    const sizes = await Promise.all(files.map(async (file) => gzipSync(await readFile(file)).length))
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MAX_FIRST_LOAD_BYTES)
  })
})
