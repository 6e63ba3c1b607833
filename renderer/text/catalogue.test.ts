import { expect, it } from 'vitest'
import { en, type Messages } from './en/en.ts'
import { slotsOf } from './message.ts'
import { ru } from './ru/ru.ts'

/** What is written alike in both languages: signs, units that stand alone, and sentences made of values. */
const SAME_IN_BOTH = new Set<string>(['share', 'ping.pong', 'loop.why', 'map.option', 'subject.node'])

const KEYS = Object.keys(en)
const messages = (of: Readonly<Record<string, string>>): [string, string][] => Object.entries(of)
const russian: Messages = ru
const english = new Map(messages(en))
const translated = new Map(messages(russian))

it('has every message in both languages, none empty and none left over', () => {
  expect(Object.keys(ru).sort()).toEqual([...KEYS].sort())
  for (const [key, text] of [...messages(en), ...messages(russian)]) expect(text.trim(), key).not.toBe('')
})

it('wants the same values in both languages', () => {
  for (const key of KEYS) {
    const names = (text = ''): string[] => [...new Set(slotsOf(text).map(({ name }) => name))].sort()
    expect(names(translated.get(key)), key).toEqual(names(english.get(key)))
  }
})

it('gives a counted word two forms in English and three in Russian', () => {
  for (const [key, text] of messages(en)) {
    for (const { forms } of slotsOf(text)) expect([0, 2], key).toContain(forms)
  }
  for (const [key, text] of messages(russian)) {
    for (const { forms } of slotsOf(text)) expect([0, 3], key).toContain(forms)
  }
})

it('is translated: a Russian text that equals the English one has a reason', () => {
  const alike = KEYS.filter((key) => english.get(key) === translated.get(key))
  expect(alike.filter((key) => !SAME_IN_BOTH.has(key))).toEqual([])
  expect([...SAME_IN_BOTH].filter((key) => !alike.includes(key))).toEqual([])
})

it('is written in the letters of its language', () => {
  for (const [key, text] of messages(en)) expect(text, key).not.toMatch(/[а-яё]/i)
  for (const [key, text] of messages(russian)) {
    if (!SAME_IN_BOTH.has(key)) expect(text.replace(/\{[^}]*\}/g, 'а'), key).toMatch(/[а-яё]/i)
  }
})

it('has no trailing dots and no double spaces', () => {
  for (const [key, text] of [...messages(en), ...messages(russian)])
    expect(text, key).not.toMatch(/\.\.\.| {2}/)
})
