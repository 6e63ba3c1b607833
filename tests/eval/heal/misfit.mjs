/**
 * Loaded into each node of the evaluation by `node --import`: what a lab cannot do to a process from outside. It does
 * nothing until a file named after a fault lies in `HOME.faults`, the folder beside the home of the node.
 */
import crypto from 'node:crypto'
import { existsSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const POLL_MS = 100
/** More than the skew that is a symptom, and less than what certificates allow. */
const SHIFT_MS = 30_000
/** Late enough to be overloaded, and not so late that it is taken for dead. */
const BURST_MS = 500
/** Of all things that ask for randomness after the start, only the name of a plan has this length. */
const PLAN_NAME_BYTES = 8

const homeOf = () => {
  try {
    return JSON.parse(process.argv[2] ?? '{}').home
  } catch {
    return undefined
  }
}
const home = homeOf()
const has = (fault) => home !== undefined && existsSync(`${home}.faults/${fault}`)
const now = { clock: false, burn: false, forge: false, loop: false }

setInterval(() => {
  for (const fault of Object.keys(now)) now[fault] = has(fault)
  if (!now.burn) return
  const end = performance.now() + BURST_MS
  while (performance.now() < end);
}, POLL_MS).unref()

const dateNow = Date.now
Date.now = () => dateNow() + (now.clock ? SHIFT_MS : 0)

const sign = crypto.sign
crypto.sign = (...args) => {
  const signature = sign(...args)
  if (now.forge && Buffer.isBuffer(signature)) signature[0] ^= 0xff
  return signature
}

const randomBytes = crypto.randomBytes
crypto.randomBytes = (size, ...rest) => {
  if (now.loop && size === PLAN_NAME_BYTES) throw new Error('injected: no randomness')
  return randomBytes(size, ...rest)
}
syncBuiltinESMExports()
