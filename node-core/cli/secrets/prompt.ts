import type { Readable } from 'node:stream'
import { cliFault } from '../fault.ts'

/** A keyboard and a screen, as far as questions need them. */
export interface Terminal {
  readonly input: Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown }
  readonly screen: { write(text: string): unknown }
  /** A person sits at both. */
  readonly interactive: boolean
}

const MAX_LINE = 4_096

const KEYS = {
  interrupt: '\u0003',
  endOfInput: '\u0004',
  erase: ['\u007f', '\b'],
  eraseLine: '\u0015',
  enter: ['\r', '\n'],
} as const

type Step =
  | { readonly kind: 'typing'; readonly line: string }
  | { readonly kind: 'done' | 'interrupted'; readonly line: string }

/** What a key does to the line typed so far. */
function typeKey(line: string, key: string): Step {
  if (key === KEYS.interrupt) return { kind: 'interrupted', line: '' }
  if (key === KEYS.endOfInput) return line === '' ? { kind: 'interrupted', line } : { kind: 'done', line }
  if (KEYS.enter.some((enter) => enter === key)) return { kind: 'done', line }
  if (KEYS.erase.some((erase) => erase === key))
    return { kind: 'typing', line: [...line].slice(0, -1).join('') }
  if (key === KEYS.eraseLine) return { kind: 'typing', line: '' }
  // Other control characters (arrow keys and the like) are no part of a passphrase.
  return { kind: 'typing', line: key < ' ' ? line : (line + key).slice(0, MAX_LINE) }
}

/**
 * Asks for a line; `echo: false` shows nothing of what is typed. The terminal is put back as it was in every case.
 *
 * @throws FaultError INTERRUPTED on Ctrl-C, and when the terminal goes away
 */
export function askLine(
  { input, screen }: Terminal,
  question: string,
  { echo, signal }: { echo: boolean; signal: AbortSignal },
): Promise<string> {
  return new Promise((resolve, reject) => {
    let line = ''
    const finish = (settle: () => void): void => {
      input.off('data', onData)
      input.off('end', onEnd)
      signal.removeEventListener('abort', onEnd)
      input.setRawMode?.(false)
      input.pause()
      screen.write('\n')
      settle()
    }
    const onEnd = (): void =>
      finish(() => reject(cliFault({ code: 'INTERRUPTED' }, 'the question was not answered')))
    const onData = (chunk: string): void => {
      const keys = [...chunk]
      for (const [index, key] of keys.entries()) {
        const step = typeKey(line, key)
        if (echo) screen.write(echoOf(line, step.line))
        line = step.line
        if (step.kind === 'typing') continue
        // What was pasted beyond this line answers the next question.
        const rest = keys.slice(index + 1).join('')
        if (step.kind === 'interrupted') onEnd()
        else finish(() => resolve(step.line))
        if (rest !== '') input.unshift(rest, 'utf8')
        return
      }
    }
    if (signal.aborted) {
      reject(signal.reason)
      return
    }
    // Before the question is seen, or the first keys of a fast answer would still be echoed.
    input.setRawMode?.(true)
    screen.write(question)
    input.setEncoding('utf8')
    input.on('data', onData)
    input.once('end', onEnd)
    signal.addEventListener('abort', onEnd, { once: true })
    input.resume()
  })
}

/** What the screen needs to follow a line that changed at its end. */
function echoOf(before: string, after: string): string {
  if (after.startsWith(before)) return after.slice(before.length)
  return '\b \b'.repeat([...before].length - [...after].length)
}
