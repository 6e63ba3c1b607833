import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fill, slotsOf } from './message.ts'

it.each([
  ['en', '{n|link|links}', 1, '1 link'],
  ['en', '{n|link|links}', 0, '0 links'],
  ['en', '{n~is|are} here', 1, 'is here'],
  ['ru', '{n|узел|узла|узлов}', 1, '1 узел'],
  ['ru', '{n|узел|узла|узлов}', 3, '3 узла'],
  ['ru', '{n|узел|узла|узлов}', 11, '11 узлов'],
  ['ru', '{n|узел|узла|узлов}', 21, '21 узел'],
  ['ru', '{n|узел|узла|узлов}', 1.5, '1,5 узлов'],
])('in %s writes %s of %d as "%s"', (language, message, n, text) => {
  expect(fill(message, { n }, language)).toBe(text)
})

it('puts a value in as it is, also one that looks like a slot or a pattern', () => {
  expect(fill('a {name} b', { name: '{n} $& $1' }, 'en')).toBe('a {n} $& $1 b')
  fc.assert(
    fc.property(fc.string(), (name) => {
      expect(fill('{name}', { name }, 'en')).toBe(name)
    }),
  )
})

it('does not hide that a value is missing', () => {
  expect(() => fill('{name}', {}, 'en')).toThrow('wants a value for name')
})

it('finds the slots of a message', () => {
  expect(slotsOf('{bad} of {all|link|links}')).toEqual([
    { name: 'bad', forms: 0 },
    { name: 'all', forms: 2 },
  ])
})
