import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readStateFile, writeStateFile } from './state-file.ts'
import { placeOf, windowStateSchema } from './window-state.ts'

const SCREENS = [
  { x: 0, y: 0, width: 1920, height: 1080 },
  { x: 1920, y: 200, width: 1280, height: 800 },
]

describe('where the window opens', () => {
  it('is where it was', () => {
    const kept = { x: 2000, y: 300, width: 900, height: 600, maximized: false }
    expect(placeOf(kept, SCREENS)).toEqual({ x: 2000, y: 300, width: 900, height: 600 })
  })

  it('is where the system wants it when its screen was taken away, as large as it was', () => {
    const kept = { x: 2000, y: 300, width: 900, height: 600, maximized: false }
    expect(placeOf(kept, SCREENS.slice(0, 1))).toEqual({ width: 900, height: 600 })
  })

  it('can always be reached by a hand: its title is on some screen', () => {
    const number = fc.integer({ min: -9_000, max: 9_000 })
    const size = fc.integer({ min: 1, max: 5_000 })
    fc.assert(
      fc.property(number, number, size, size, (x, y, width, height) => {
        const place = placeOf({ x, y, width, height, maximized: false }, SCREENS)
        expect(place.width).toBeGreaterThanOrEqual(360)
        if (place.x === undefined) return
        const visible = SCREENS.some(
          (screen) =>
            y >= screen.y &&
            y < screen.y + screen.height &&
            x < screen.x + screen.width &&
            x + place.width > screen.x,
        )
        expect(visible).toBe(true)
      }),
    )
  })

  it('is kept whole in a file, and a file that is broken counts as none', () => {
    const folder = mkdtempSync(join(tmpdir(), 'x0t-state-'))
    const file = join(folder, 'window.json')
    const kept = { x: 1, y: 2, width: 900, height: 600, maximized: true }
    expect(readStateFile(file, windowStateSchema)).toBeUndefined()
    writeStateFile(file, kept)
    expect(readStateFile(file, windowStateSchema)).toEqual(kept)
    expect(readdirSync(folder)).toEqual(['window.json'])
    for (const broken of ['{', '{"x":"1"}', '{"x":1,"y":2,"width":1e9,"height":5,"maximized":true}']) {
      writeFileSync(file, broken)
      expect(readStateFile(file, windowStateSchema)).toBeUndefined()
    }
    rmSync(folder, { recursive: true })
  })
})
