/** What Electron starts as a utility process. */
import { createCore } from './core.ts'

const parent = process.parentPort
const core = createCore({ report: (report) => parent.postMessage(report) })
parent.on('message', ({ data, ports }) => core.take(data, ports[0]))
