import { describe, expect, it } from 'vitest'
import { messageOf } from '../../node-core/platform/error.ts'
import { eventually } from '../../tests/helpers/eventually.ts'
import { createManualClock } from '../../tests/helpers/manual-clock.ts'
import type { NodeState, Problem } from './messages.ts'
import { backoffMs, createNodeKeeper, type Probe } from './node-keeper.ts'

const DIED: Problem = { code: 'NODE_DIED', message: '', hint: '' }

/** A machine whose node lives and dies as the test says. */
function makeScene(found: Probe = { kind: 'none' }) {
  const clock = createManualClock()
  const states: NodeState[] = []
  const scene = {
    ...{ clock, states, found, launches: 0, stopped: 0, failsToStart: false },
    die: (_end: 'asked' | Problem): void => {},
    kinds: () => states.map(({ kind }) => kind),
  }
  const keeper = createNodeKeeper({
    clock,
    probe: async () => scene.found,
    onState: (state) => states.push(state),
    problemOf: (error) => ({ code: 'NODE_START_FAILED', message: messageOf(error), hint: '' }),
    launch: async () => {
      scene.launches += 1
      if (scene.failsToStart) throw new Error('no room')
      const { promise: gone, resolve } = Promise.withResolvers<'asked' | Problem>()
      scene.die = resolve
      return {
        ...{ pid: 100 + scene.launches, gone },
        stop: async () => {
          scene.stopped += 1
          resolve('asked')
        },
      }
    },
  })
  return { scene, keeper }
}

const last = ({ states }: { states: NodeState[] }): NodeState['kind'] | undefined => states.at(-1)?.kind

describe('the keeper of the node', () => {
  it('starts a node where none runs, and stops it with the app', async () => {
    const { scene, keeper } = makeScene()
    await keeper.start()
    await eventually('it is up', () => last(scene) === 'up')
    expect(scene.states).toEqual([{ kind: 'starting' }, { kind: 'up', hosted: true, pid: 101 }])
    await keeper.stop()
    await keeper.stop()
    expect(scene.stopped).toBe(1)
  })

  it('uses the node that runs already, starts none beside it, and leaves it running', async () => {
    const { scene, keeper } = makeScene({ kind: 'running', pid: 7 })
    await keeper.start()
    await eventually('it is up', () => last(scene) === 'up')
    expect(scene.states).toEqual([{ kind: 'up', hosted: false, pid: 7 }])
    await keeper.stop()
    expect([scene.launches, scene.stopped]).toEqual([0, 0])
  })

  it('starts one itself when the node that it used has gone', async () => {
    const { scene, keeper } = makeScene({ kind: 'running', pid: 7 })
    await keeper.start()
    await eventually('it follows', () => scene.clock.timers > 0)
    scene.found = { kind: 'none' }
    scene.clock.advance(2_000)
    await eventually('it is hosted', () => scene.launches === 1 && last(scene) === 'up')
    await keeper.stop()
  })

  it('starts it again after a crash, later each time, and sooner again once one has lived', async () => {
    const { scene, keeper } = makeScene()
    await keeper.start()
    for (const retryMs of [500, 1_000, 2_000]) {
      await eventually('it is up', () => last(scene) === 'up')
      scene.die(DIED)
      await eventually('it is down', () => last(scene) === 'down')
      expect(scene.states.at(-1)).toEqual({ kind: 'down', problem: DIED, retryMs })
      await eventually('it waits', () => scene.clock.timers > 0)
      scene.clock.advance(retryMs - 1)
      expect(last(scene)).toBe('down')
      scene.clock.advance(1)
    }
    await eventually('it is up', () => last(scene) === 'up')
    scene.clock.advance(61_000)
    scene.die(DIED)
    await eventually('it is down', () => last(scene) === 'down')
    expect(scene.states.at(-1)).toMatchObject({ retryMs: 500 })
    await keeper.stop()
  })

  it('leaves a node down that was told to stop, until somebody asks for it', async () => {
    const { scene, keeper } = makeScene()
    await keeper.start()
    await eventually('it is up', () => last(scene) === 'up')
    scene.die('asked')
    await eventually('it rests', () => last(scene) === 'stopped' && scene.clock.timers > 0)
    scene.clock.advance(2_000)
    await eventually('it rests on', () => scene.clock.timers > 0)
    expect(scene.launches).toBe(1)
    keeper.wake()
    await eventually('it is up again', () => scene.launches === 2 && last(scene) === 'up')
    await keeper.stop()
  })

  it('says why a node does not start, and why another process is in the way, without starting one beside it', async () => {
    const { scene, keeper } = makeScene()
    scene.failsToStart = true
    await keeper.start()
    await eventually('it is down', () => last(scene) === 'down' && scene.clock.timers > 0)
    expect(scene.states.at(-1)).toMatchObject({ problem: { message: 'no room' } })
    const problem = { code: 'NO_PERMISSION', message: 'not yours', hint: '' }
    scene.found = { kind: 'unreadable', problem }
    scene.clock.advance(500)
    await eventually('it says the other reason', () =>
      JSON.stringify(scene.states.at(-1)).includes('not yours'),
    )
    expect(scene.launches).toBe(1)
    await keeper.stop()
  })

  it('waits half a minute at most', () => {
    expect([1, 2, 3, 7, 40].map(backoffMs)).toEqual([500, 1_000, 2_000, 30_000, 30_000])
  })
})
