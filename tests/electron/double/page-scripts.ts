/**
 * What makes a page of Chromium look like a sandboxed renderer of Electron: `contextBridge` and `ipcRenderer` live in an
 * isolated world, the page's own world gets frozen copies of what is exposed. Both speak through events of the document,
 * which carry text alone, and the isolated world reaches the main process through the binding `__x0tMain`.
 */

export const WORLD = 'x0t-preload'
export const BINDING = '__x0tMain'

/** Runs in the page's world before any script of the page. */
export const PAGE_WORLD = `(() => {
  let calls = 0
  const call = (id) => (...args) => {
    const k = ++calls
    let answer
    document.addEventListener('x0t:answer:' + k, (e) => { answer = JSON.parse(e.detail) }, { once: true })
    document.dispatchEvent(new CustomEvent('x0t:call', { detail: JSON.stringify({ k, id, args }) }))
    if (answer === undefined) throw new Error('the isolated world does not answer')
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer.value
  }
  const build = (shape) =>
    shape.fn !== undefined ? call(shape.fn)
    : shape.object !== undefined
      ? Object.freeze(Object.fromEntries(Object.entries(shape.object).map(([k, v]) => [k, build(v)])))
      : shape.value
  document.addEventListener('x0t:expose', (e) => {
    const { key, shape } = JSON.parse(e.detail)
    Object.defineProperty(window, key, { value: build(shape), enumerable: true, writable: false, configurable: false })
  })
})()`

/** Runs in the isolated world, with the app's preload script in it. */
export const isolatedWorld = (preload: string): string => `(() => {
  const functions = []
  const listeners = new Map()
  const ports = new Map()
  const out = (message) => globalThis.${BINDING}(JSON.stringify(message))
  const shapeOf = (value) =>
    typeof value === 'function' ? { fn: functions.push(value) - 1 }
    : typeof value === 'object' && value !== null
      ? { object: Object.fromEntries(Object.entries(value).map(([k, v]) => [k, shapeOf(v)])) }
      : { value }
  const pack = (data) =>
    data instanceof ArrayBuffer || data instanceof Uint8Array
      ? { bytes: btoa(String.fromCharCode(...new Uint8Array(data))) }
      : { json: data }
  const unpack = (packed) =>
    packed.bytes === undefined ? packed.json : Uint8Array.from(atob(packed.bytes), (c) => c.charCodeAt(0))
  document.addEventListener('x0t:call', (e) => {
    const { k, id, args } = JSON.parse(e.detail)
    let answer
    try { answer = { value: functions[id](...args) } } catch (error) { answer = { error: error.message } }
    document.dispatchEvent(new CustomEvent('x0t:answer:' + k, { detail: JSON.stringify(answer) }))
  })
  const openPort = (id) => {
    const { port1, port2 } = new MessageChannel()
    ports.set(id, port1)
    port1.onmessage = (e) => out({ kind: 'port', id, data: pack(e.data) })
    port1.addEventListener('close', () => { if (ports.delete(id)) out({ kind: 'port-closed', id }) })
    return port2
  }
  globalThis.__x0tTake = (message) => {
    if (message.kind === 'port') ports.get(message.id)?.postMessage(unpack(message.data))
    else if (message.kind === 'port-closed') {
      const port = ports.get(message.id)
      ports.delete(message.id)
      port?.close()
    } else {
      const given = message.ports.map(openPort)
      for (const listener of listeners.get(message.channel) ?? []) listener({ ports: given }, message.value)
    }
  }
  const ipcRenderer = {
    send: (channel, ...args) => out({ kind: 'send', channel, args }),
    on: (channel, listener) => {
      listeners.set(channel, [...(listeners.get(channel) ?? []), listener])
      return ipcRenderer
    },
  }
  const contextBridge = {
    exposeInMainWorld: (key, api) =>
      document.dispatchEvent(new CustomEvent('x0t:expose', { detail: JSON.stringify({ key, shape: shapeOf(api) }) })),
  }
  const require = (name) => {
    if (name === 'electron') return { contextBridge, ipcRenderer }
    throw new Error('a sandboxed preload has no module ' + name)
  }
  ;(function (require, exports, module) { ${preload}
  })(require, {}, {})
})()`
