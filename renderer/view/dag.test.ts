import fc from 'fast-check'
import { expect, it } from 'vitest'
import { placePlan } from './dag.ts'

const sampleStep = (id: string, { after = [] }: { readonly after?: readonly string[] } = {}) => ({
  id,
  after,
})

it('draws what can run at once in one column, and each step after all that it waits for', () => {
  const { steps, arrows, columns, rows } = placePlan([
    sampleStep('redial'),
    sampleStep('reroute'),
    sampleStep('resync', { after: ['redial', 'reroute'] }),
    sampleStep('tell', { after: ['resync'] }),
  ])
  expect(steps.map(({ column, row }) => [column, row])).toEqual([
    [0, 0],
    [0, 1],
    [1, 0],
    [2, 0],
  ])
  expect(arrows).toEqual([
    [0, 2],
    [1, 2],
    [2, 3],
  ])
  expect([columns, rows]).toEqual([3, 2])
})

it('keeps every arrow pointing to the right and no two steps in one place, for any DAG', () => {
  const dags = fc.array(fc.array(fc.nat(11), { maxLength: 4 }), { minLength: 1, maxLength: 12 }).map((list) =>
    list.map((before, index) =>
      sampleStep(`s${index}`, {
        after: [...new Set(before.filter((one) => one < index))].map((one) => `s${one}`),
      }),
    ),
  )
  fc.assert(
    fc.property(dags, (steps) => {
      const placed = placePlan(steps)
      const places = placed.steps.map(({ column, row }) => `${column}/${row}`)
      expect(new Set(places).size).toBe(steps.length)
      for (const [from, to] of placed.arrows) {
        expect(placed.steps[from]?.column).toBeLessThan(placed.steps[to]?.column ?? 0)
      }
    }),
  )
})

it('ends for a plan that waits for itself or for a step that is not there', () => {
  const placed = placePlan([
    sampleStep('a', { after: ['b'] }),
    sampleStep('b', { after: ['a'] }),
    sampleStep('c', { after: ['nobody'] }),
  ])
  expect(placed.steps).toHaveLength(3)
})
