/** Makes a switch over a union exhaustive: a member that is not handled is a type error here. */
export function assertNever(value: never): never {
  throw new TypeError(`unexpected value ${JSON.stringify(value)}`)
}
