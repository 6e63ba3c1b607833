/*
 * How a message is written: `{name}` puts a value, `{n|link|links}` a number with the word in its form (one and many in
 * English; one, few and many in Russian), `{n~is|are}` the word without the number.
 */

/** Values of a message by name. */
export type Values = Readonly<Record<string, string | number>>

type NameIn<P extends string> = P extends `${infer N}|${string}`
  ? NameIn<N>
  : P extends `${infer N}~${string}`
    ? N
    : P

/** The names of the values that a message wants. */
export type NamesIn<S extends string> = S extends `${string}{${infer P}}${infer Rest}`
  ? NameIn<P> | NamesIn<Rest>
  : never

const SLOT = /\{([a-zA-Z]+)(?:([|~])([^{}]*))?\}/g

/** The names and numbers of forms in a message: `n` with 2, `name` with 0. */
export function slotsOf(message: string): readonly { readonly name: string; readonly forms: number }[] {
  return [...message.matchAll(SLOT)].map(([, name = '', , forms]) => ({
    name,
    forms: forms === undefined ? 0 : forms.split('|').length,
  }))
}

/** Puts values into a message. Numbers come in the language's own way of writing them. */
export function fill(message: string, values: Values, language: string): string {
  return message.replace(SLOT, (_slot, name: string, kind: string | undefined, forms: string | undefined) => {
    const value = values[name]
    if (value === undefined) throw new Error(`the message "${message}" wants a value for ${name}`)
    const text = typeof value === 'number' ? numberText(value, language) : value
    if (forms === undefined) return text
    const word = formOf(forms.split('|'), Number(value), language)
    return kind === '|' ? `${text} ${word}` : word
  })
}

function numberText(value: number, language: string): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: 2 }).format(value)
}

const FORM_ORDER: readonly string[] = ['one', 'few', 'many']

function formOf(forms: readonly string[], value: number, language: string): string {
  const category = new Intl.PluralRules(language).select(value)
  const index = FORM_ORDER.indexOf(category)
  return forms[index === -1 ? forms.length - 1 : Math.min(index, forms.length - 1)] ?? ''
}
