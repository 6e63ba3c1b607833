/**
 * oRPC asks of each value whether it is a `FormData`, and by that question Node.js loads all of its fetch, 17 MB
 * resident. A process that calls this at its start has no fetch, and no form data either: nothing is an instance of it.
 */
export function forgoFetch(): void {
  // Defining it anew reads the old one, and that is what loads it. Removing does not.
  Reflect.deleteProperty(globalThis, 'FormData')
  Object.assign(globalThis, { FormData: class FormData {} })
}
