import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import ts from 'typescript'
import { expect, it } from 'vitest'

const RENDERER = resolve(import.meta.dirname, '../../renderer')

/** Attributes whose text a person sees or hears. */
const SPOKEN = new Set(['label', 'title', 'alt', 'placeholder', 'hint', 'description', 'aria-label', 'lead'])
/** Names and commands that no language changes. */
const NAMES = new Set(['x0tta6bl4', 'mono'])

/** Literal text in the JSX of a source: it would be shown in one language only. */
function literalsIn(name: string, source: string): string[] {
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.ESNext, true, ts.ScriptKind.TSX)
  const found: string[] = []
  const note = (text: string): void => {
    if (/\p{L}{2,}/u.test(text) && !NAMES.has(text.trim())) found.push(text.trim())
  }
  const visit = (node: ts.Node): void => {
    if (ts.isJsxText(node)) note(node.text)
    if (ts.isJsxExpression(node) && (ts.isJsxElement(node.parent) || ts.isJsxFragment(node.parent))) {
      if (node.expression !== undefined && ts.isStringLiteralLike(node.expression)) note(node.expression.text)
    }
    if (ts.isJsxAttribute(node) && SPOKEN.has(node.name.getText())) {
      const value = node.initializer
      const inner = value !== undefined && ts.isJsxExpression(value) ? value.expression : value
      if (inner !== undefined && ts.isStringLiteralLike(inner)) note(inner.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

it('catches text between tags, in an expression and in an attribute that is read out', () => {
  const source = `const a = <p title="Hello there">Some words {'more words'} <b aria-label={\`said\`}>{t('key')}</b></p>`
  expect(literalsIn('a.tsx', source)).toEqual(['Hello there', 'Some words', 'more words', 'said'])
})

it('leaves no literal text in the pages: everything comes from the catalogue', () => {
  const files = readdirSync(RENDERER, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.tsx') && !name.endsWith('.test.tsx'),
  )
  expect(files.length).toBeGreaterThan(20)
  const found = files.flatMap((name) =>
    literalsIn(name, readFileSync(join(RENDERER, name), 'utf8')).map((text) => `${name}: ${text}`),
  )
  expect(found).toEqual([])
})
