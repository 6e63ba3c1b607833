import { builtinModules } from 'node:module'
import { resolve } from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig, type EnvironmentOptions, type Plugin } from 'vite'

const at = (...parts: readonly string[]): string => resolve(import.meta.dirname, ...parts)

const BUILTINS = [/^node:/, ...builtinModules]
const ELECTRON = /^electron(\/.*)?$/
/** A native addon: loaded from node_modules, never bundled. */
const NATIVE = 'better-sqlite3'

/** What the launcher and the CLI start, each as a process of its own. */
const CORE_ENTRIES = {
  cli: at('node-core/cli/main.ts'),
  node: at('node-core/app/entries/node.ts'),
  init: at('node-core/app/entries/init.ts'),
  join: at('node-core/app/entries/join.ts'),
  series: at('node-core/app/entries/series.ts'),
  keys: at('node-core/app/entries/keys.ts'),
  lab: at('node-core/lab/entries/lab.ts'),
  'lab-proxy': at('node-core/lab/entries/proxy.ts'),
  'lab-reaper': at('node-core/lab/entries/reaper.ts'),
}

/**
 * V8 keeps the source of a running program, at two bytes a character as soon as one is beyond Latin-1: a few emoji in a
 * table cost a node 2 MB. Written as escapes they mean the same.
 */
const asciiOnly: Plugin = {
  name: 'x0t-ascii-only',
  applyToEnvironment: (environment) => environment.name === 'core',
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type !== 'chunk') continue
      file.code = file.code.replace(
        /[\u0080-\uffff]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      )
    }
  },
}

interface NodeBundle {
  readonly input: Record<string, string>
  readonly outDir: string
  readonly format: 'es' | 'cjs'
  readonly external: (string | RegExp)[]
  /** Goes into a folder that another bundle has just filled. */
  readonly besides?: boolean
}

/** A bundle for Node or Electron's main side: every dependency inside, apart from `external`. */
function nodeBundle({ input, outDir, format, external, besides = false }: NodeBundle): EnvironmentOptions {
  const extension = format === 'es' ? 'js' : 'cjs'
  return {
    consumer: 'server',
    resolve: { conditions: ['node', 'import', 'module', 'default'], noExternal: true },
    build: {
      outDir,
      emptyOutDir: !besides,
      copyPublicDir: false,
      sourcemap: true,
      target: 'node22',
      ssr: true,
      rolldownOptions: {
        input,
        external,
        platform: 'node',
        output: {
          format,
          entryFileNames: `[name].${extension}`,
          chunkFileNames: `chunks/[name]-[hash].${extension}`,
          codeSplitting: format === 'es',
          // Names stay, for stack traces; comments and white space go, because a process keeps its source in memory.
          minify: { compress: true, mangle: false, codegen: true },
        },
      },
    },
  }
}

export default defineConfig({
  root: at('renderer'),
  base: './',
  publicDir: false,
  plugins: [react(), asciiOnly],
  environments: {
    client: {
      build: {
        outDir: at('dist/renderer'),
        emptyOutDir: true,
        target: 'chrome130',
        sourcemap: true,
        // A data: URL in a style or an image would need a looser Content-Security-Policy.
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        rolldownOptions: { input: at('renderer/index.html') },
      },
    },
    main: nodeBundle({
      input: { main: at('electron/main/main.ts'), core: at('electron/core/entry.ts') },
      outDir: at('dist/electron'),
      format: 'es',
      external: [...BUILTINS, ELECTRON],
    }),
    // A sandboxed preload may only be CommonJS, in one file.
    preload: nodeBundle({
      input: { preload: at('electron/preload/preload.ts') },
      outDir: at('dist/electron'),
      besides: true,
      format: 'cjs',
      external: [ELECTRON],
    }),
    core: nodeBundle({
      input: CORE_ENTRIES,
      outDir: at('dist/node-core'),
      format: 'es',
      external: [...BUILTINS, NATIVE],
    }),
  },
  builder: {
    async buildApp(builder) {
      // One after the other: the preload goes beside the main process, whose bundle empties the folder first.
      for (const environment of Object.values(builder.environments)) await builder.build(environment)
    },
  },
})
