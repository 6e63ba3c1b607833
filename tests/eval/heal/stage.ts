import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { NodeName } from '../../../node-core/domain/ids.ts'
import type { Lab } from '../../../node-core/lab/lab.ts'
import { makeLab, nodeName } from '../../helpers/lab.ts'

/** Where the judge's traffic goes in a topology, and what can be broken there. n1 to n3 leads over n2 in both. */
export interface Scene {
  readonly topology: string
  readonly from: NodeName
  readonly to: NodeName
  /** The judge's traffic takes it, and there is a way around. */
  readonly link: readonly [NodeName, NodeName]
  readonly between: NodeName
  /** Not on that way. */
  readonly aside: NodeName
  /** Without these links the mesh is two; the judge's traffic stays on its side. */
  readonly cut: readonly (readonly [NodeName, NodeName])[]
  /** Without these nodes the judge's traffic still has its way. */
  readonly storm: readonly NodeName[]
}

const names = (...raw: readonly string[]): NodeName[] => raw.map(nodeName)
const pair = (a: string, b: string): readonly [NodeName, NodeName] => [nodeName(a), nodeName(b)]
const COMMON = {
  ...{ from: nodeName('n1'), to: nodeName('n3'), link: pair('n1', 'n2'), between: nodeName('n2') },
  ...{ aside: nodeName('n5'), storm: names('n4', 'n5', 'n6') },
}

export const RING: Scene = { ...COMMON, topology: 'ring:6', cut: [pair('n3', 'n4'), pair('n6', 'n1')] }
/** n1 n2 n3 over n4 n5 n6. */
export const GRID: Scene = {
  ...{ ...COMMON, topology: 'grid:2x3', storm: names('n4', 'n6') },
  cut: [pair('n1', 'n4'), pair('n2', 'n5'), pair('n3', 'n6')],
}
/** For what takes a minute and needs no ways around. */
export const TRIANGLE: Scene = {
  ...{ ...COMMON, topology: 'ring:3', from: nodeName('n2'), aside: nodeName('n3'), cut: [], storm: [] },
}

export interface Stage {
  readonly lab: Lab
  readonly scene: Scene
  /** Puts one of the faults of misfit.mjs into a node, or takes it out again. */
  misfit(node: NodeName, fault: 'clock' | 'burn' | 'forge' | 'loop', on?: boolean): Promise<void>
  /** Writes a file of the operator into a home, for nobody else to read. */
  write(node: NodeName, file: string, text: string): Promise<void>
  onEnd(end: () => unknown): void
  end(): Promise<void>
}

const LINKED_MS = 60_000
const MISFIT = pathToFileURL(resolve(import.meta.dirname, 'misfit.mjs')).href

/** A mesh of real processes, up and linked. */
export async function openStage(
  scene: Scene,
  { seed, settings = [] }: { readonly seed: number; readonly settings?: readonly string[] },
): Promise<Stage> {
  process.env['NODE_OPTIONS'] = `--import=${MISFIT}`
  const lab = await makeLab(scene.topology, { seed, settings })
  const ends: (() => unknown)[] = []
  const end = async (): Promise<void> => {
    for (const one of ends.splice(0).reverse()) {
      try {
        await one()
      } catch {
        // What it was to end may have ended with a node that was killed.
      }
    }
    await lab.stop()
  }
  try {
    await lab.start()
    await lab.linked(LINKED_MS)
  } catch (error) {
    await end()
    throw error
  }
  return {
    ...{ lab, scene, end },
    onEnd: (one) => void ends.push(one),
    async misfit(node, fault, on = true) {
      const folder = `${lab.home(node)}.faults`
      await mkdir(folder, { recursive: true })
      if (on) await writeFile(join(folder, fault), '')
      else await rm(join(folder, fault), { force: true })
    },
    write: (node, file, text) => writeFile(join(lab.home(node), file), text, { mode: 0o600 }),
  }
}
