/*
 * Runs before anything else: zod tries, as soon as a schema is made, whether it may make functions from text, and the
 * content security policy reports that. This is where zod keeps its settings; it says so itself in its core.
 */
Reflect.set(globalThis, '__zod_globalConfig', { jitless: true })

void import('./main.tsx')
