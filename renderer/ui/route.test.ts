import fc from 'fast-check'
import { expect, it } from 'vitest'
import { hrefOf, PAGES, parseRoute } from './route.ts'

it('reads the page, what is looked at, and the filters', () => {
  const { page, id, query } = parseRoute('#/links/n1?state=down&links.sort=-rtt')
  expect([page, id, query.get('state'), query.get('links.sort')]).toEqual(['links', 'n1', 'down', '-rtt'])
})

it('opens the overview at an empty address, and nothing at one that it does not know', () => {
  expect(parseRoute('').page).toBe('overview')
  expect(parseRoute('#/').page).toBe('overview')
  expect(parseRoute('#/somewhere').page).toBe('unknown')
})

it('leaves empty filters out of an address', () => {
  expect(hrefOf('links', undefined, { state: '', find: undefined })).toBe('#/links')
})

it('comes back to what an address was made of', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...PAGES),
      fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme-ascii' }),
      fc.string({ minLength: 1, maxLength: 60 }),
      (page, id, value) => {
        const route = parseRoute(hrefOf(page, id, { find: value }))
        expect([route.page, route.id, route.query.get('find')]).toEqual([page, id, value])
      },
    ),
  )
})

it('never throws, whatever stands in the address bar', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      parseRoute(`#${text}`)
    }),
  )
})
