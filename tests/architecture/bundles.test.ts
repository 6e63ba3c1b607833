import { readdir, readFile } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
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
function importsOf(source: string): string[] {
  const names: string[] = []
  const visit = (value: unknown): void => {
    if (!isObject(value)) return
    if (LOADING.includes(String(value['type']))) names.push(...textOf(value['source']))
    if (value['type'] === 'CallExpression' && isRequire(value['callee']))
      names.push(...textOf(value['arguments']))
    for (const inner of Object.values(value)) visit(inner)
  }
  visit(parseAst(source))
  return names.filter((name) => !name.startsWith('.'))
}

const LOADING = ['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration', 'ImportExpression']

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

  it('of the node never import node:http, whose exports load undici when they are read', async () => {
    const sources = await Promise.all(
      (await filesIn('node-core', '.js')).map((file) => readFile(file, 'utf8')),
    )
    expect(sources.flatMap(importsOf).filter((name) => /^(?:node:)?https?$/.test(name))).toEqual([])
  })

  it("of the desktop's main process need Node.js and Electron alone, and the preload Electron alone", async () => {
    expect(await foreignImports([join(DIST, 'electron/main.js')], ['electron'])).toEqual([])
    const preload = importsOf(await readFile(join(DIST, 'electron/preload.cjs'), 'utf8'))
    expect(preload).toEqual(['electron'])
  })

  it('of the page hold no inline script or style and stay small', async () => {
    const page = await readFile(join(DIST, 'renderer/index.html'), 'utf8')
    expect(page).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|https?:/)
    const files = [...(await filesIn('renderer', '.js')), ...(await filesIn('renderer', '.css'))]
    const sizes = await Promise.all(files.map(async (file) => gzipSync(await readFile(file)).length))
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MAX_FIRST_LOAD_BYTES)
  })
})
