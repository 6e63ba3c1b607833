import { useCallback } from 'react'
import { create } from 'zustand'
import { en, type Messages } from './en/en.ts'
import { fill, type NamesIn, type Values } from './message.ts'

type English = typeof en
type MessageKey = keyof English

export const LANGUAGES = ['en', 'ru'] as const
export type Language = (typeof LANGUAGES)[number]

/** A message with its values: wanted by exactly those messages that have slots. */
export type Translate = <K extends MessageKey>(
  key: K,
  ...values: [NamesIn<English[K]>] extends [never]
    ? []
    : [Readonly<Record<NamesIn<English[K]>, string | number>>]
) => string

interface TextState {
  readonly language: Language
  readonly messages: Messages
}

const useTextStore = create<TextState>()(() => ({ language: 'en', messages: en }))

const NO_VALUES: Values = {}

function translator({ language, messages }: TextState): Translate {
  return (key, ...[values]) => fill(messages[key], values ?? NO_VALUES, language)
}

/** The messages of the chosen language. */
export function useText(): Translate {
  const state = useTextStore()
  return useCallback((key, ...values) => translator(state)(key, ...values), [state])
}

export const useLanguage = (): Language => useTextStore((state) => state.language)

type KeyUnder<P extends string> = Extract<MessageKey, `${P}.${string}`>

const KEYS = new Set<string>(Object.keys(en))

/** The message for a code that the node gives, if there is one: `codeKey('symptom', 'link-down')`. */
export function codeKey<P extends string>(prefix: P, code: string): KeyUnder<P> | undefined {
  const key = `${prefix}.${code}`
  const isKey = (text: string): text is KeyUnder<P> => KEYS.has(text)
  return isKey(key) ? key : undefined
}

const LANGUAGE_KEY = 'x0t.language'

/** The language that was chosen here before, or the first one of the browser's that there is. */
export function preferredLanguage(store: Pick<Storage, 'getItem'>, wanted: readonly string[]): Language {
  const saved = store.getItem(LANGUAGE_KEY)
  for (const tag of saved === null ? wanted : [saved, ...wanted]) {
    const found = LANGUAGES.find((language) => tag.toLowerCase().split('-')[0] === language)
    if (found !== undefined) return found
  }
  return 'en'
}

/** English comes with the first load; another language when it is wanted. */
export async function setLanguage(language: Language): Promise<void> {
  const messages = language === 'en' ? en : (await import('./ru/ru.ts')).ru
  document.documentElement.lang = language
  useTextStore.setState({ language, messages })
}

export async function chooseLanguage(language: Language): Promise<void> {
  localStorage.setItem(LANGUAGE_KEY, language)
  await setLanguage(language)
}
