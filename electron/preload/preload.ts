import { contextBridge, ipcRenderer } from 'electron'

/** The little of a page that is used here; this project's Node code is checked without the DOM's types. */
declare const window: {
  readonly origin: string
  postMessage(message: string, targetOrigin: string, transfer: readonly unknown[]): void
}

/** All that the page gets: it may ask for a line to the node. The answer is a MessagePort, sent to the page alone. */
contextBridge.exposeInMainWorld('x0t', Object.freeze({ connect: () => ipcRenderer.send('node:connect') }))

ipcRenderer.on('node:port', (event) => window.postMessage('x0t:node-port', window.origin, event.ports))
