/** What the app asked of the system, and what the test wants the system to answer. */

export interface Call {
  readonly name: string
  readonly args: unknown
}

export const calls: Call[] = []
const answers = new Map<string, unknown>()

/** Notes a call; @returns what the test set as its answer. */
export function record(name: string, ...args: unknown[]): unknown {
  const plain: unknown = JSON.parse(
    JSON.stringify(args, (_key, value: unknown) => (typeof value === 'function' ? '[function]' : value)),
  )
  calls.push({ name, args: plain })
  return answers.get(name)
}

export const setAnswer = (name: string, value: unknown): void => {
  answers.set(name, value)
}
export const answerOf = (name: string): unknown => answers.get(name)

/** An object of which everything that is not modelled throws: an app must not seem to work because nothing happened. */
export function strict<T extends object>(what: string, model: T): T {
  return new Proxy(model, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (value === undefined && typeof key === 'string' && !(key in target) && key !== 'then') {
        throw new Error(`the stand-in for Electron has no ${what}.${key}`)
      }
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** An event that can be prevented, with what comes along. */
export function preventable<T extends object>(
  more: T,
): T & { defaultPrevented: boolean; preventDefault(): void } {
  const event = {
    ...more,
    defaultPrevented: false,
    preventDefault() {
      event.defaultPrevented = true
    },
  }
  return event
}
