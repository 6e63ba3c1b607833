import { resolve } from 'node:path'

/** The project's folder. */
export const ROOT = resolve(import.meta.dirname, '..')

const modules = (path: string): string => resolve(ROOT, 'node_modules', path)

/** The tools of the checks, as programs for Node: the shims in .bin are shell scripts on some systems. */
export const TOOLS = {
  tsc: modules('typescript/bin/tsc'),
  biome: modules('@biomejs/biome/bin/biome'),
  depcruise: modules('dependency-cruiser/bin/dependency-cruiser.mjs'),
  knip: modules('knip/bin/knip.js'),
  vitest: modules('vitest/vitest.mjs'),
} as const
