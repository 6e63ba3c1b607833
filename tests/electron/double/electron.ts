/**
 * A stand-in for Electron's main side that records what it is asked. Its window is a real page of Chromium, its preload
 * script runs in a real isolated world, `app://` is served by the app's own handler with the app's own headers.
 */
import { app } from './app.ts'
import { ipcMain } from './ipc.ts'
import { live } from './native.ts'
import { serveTest } from './test-line.ts'

export { app } from './app.ts'
export { BrowserWindow } from './browser-window.ts'
export { ipcMain, MessageChannelMain } from './ipc.ts'
export { dialog, Menu, Notification, nativeImage, safeStorage, screen, shell, Tray } from './native.ts'
export { protocol, session } from './protocol.ts'
export { utilityProcess } from './utility-process.ts'

serveTest({ app, ipcMain, live })
