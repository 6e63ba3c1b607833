import { join } from 'node:path'

/** The programs that a lab starts, each as a process of its own. */
export interface LabPrograms {
  readonly init: string
  readonly join: string
  readonly node: string
  readonly proxy: string
  readonly reaper: string
}

/** As they lie beside each other when bundled, in `dist/node-core`. */
export function bundledPrograms(dir: string): LabPrograms {
  const at = (name: string): string => join(dir, `${name}.js`)
  return {
    init: at('init'),
    join: at('join'),
    node: at('node'),
    proxy: at('lab-proxy'),
    reaper: at('lab-reaper'),
  }
}

/** As they lie in the source. @param nodeCore the folder `node-core` */
export function sourcePrograms(nodeCore: string): LabPrograms {
  const at = (layer: string, name: string): string => join(nodeCore, layer, 'entries', `${name}.ts`)
  return {
    init: at('app', 'init'),
    join: at('app', 'join'),
    node: at('app', 'node'),
    proxy: at('lab', 'proxy'),
    reaper: at('lab', 'reaper'),
  }
}
