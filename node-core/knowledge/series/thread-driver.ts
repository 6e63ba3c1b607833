import { Worker } from 'node:worker_threads'
import { storeError } from '../store-fault.ts'
import type { SeriesDriver } from './series-driver.ts'
import type { SeriesEngineOptions } from './series-engine.ts'
import type { Numbered, SeriesRequest, SeriesResponse } from './series-messages.ts'

/** It holds some megabytes of samples outside its heap; the heap is for what a query reads. */
const LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 96 }

type Settle = { resolve(response: SeriesResponse): void; reject(error: unknown): void }

/**
 * The driver on a thread of its own. A thread that dies rejects what waits for it as STORE_IO: the caller begins anew.
 *
 * @param program the entry that calls `serveSeries`
 */
export async function createThreadDriver(program: URL, options: SeriesEngineOptions): Promise<SeriesDriver> {
  const { path } = options
  const worker = new Worker(program, { resourceLimits: LIMITS, name: 'series' })
  worker.unref()
  const waiting = new Map<number, Settle>()
  let lastId = 0
  let ended: unknown

  const end = (detail: string, cause?: unknown): void => {
    ended ??= storeError(
      { code: 'STORE_IO', path, detail },
      `the thread of the series ended: ${detail}`,
      cause,
    )
    for (const { reject } of waiting.values()) reject(ended)
    waiting.clear()
  }
  worker.on('message', ({ id, body }: Numbered<SeriesResponse>) => {
    const settle = waiting.get(id)
    waiting.delete(id)
    if (body.op !== 'failed') settle?.resolve(body)
    else if (body.fault === undefined) settle?.reject(new Error(body.message))
    else settle?.reject(storeError(body.fault, body.message))
  })
  worker.on('error', (error) => end(error instanceof Error ? error.message : String(error), error))
  worker.on('exit', (code) => end(`code ${code}`))

  async function call<Op extends SeriesRequest['op'] & SeriesResponse['op']>(
    op: Op,
    request: SeriesRequest,
  ): Promise<Extract<SeriesResponse, { op: Op }>> {
    if (ended !== undefined) throw ended
    const id = ++lastId
    const response = await new Promise<SeriesResponse>((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      // Copied, not given away: what could not be written is tried again.
      worker.postMessage({ id, body: request } satisfies Numbered<SeriesRequest>)
    })
    if (!answers(response, op)) throw new TypeError(`${op} was answered by ${response.op}`)
    return response
  }

  try {
    await call('open', { op: 'open', options })
  } catch (error) {
    await worker.terminate()
    throw error
  }
  return {
    append: async (added, batch) => (await call('append', { op: 'append', added, batch })).value,
    list: async () => (await call('list', { op: 'list' })).value,
    query: async (key, query) => (await call('query', { op: 'query', key, query })).value,
    appendChanges: async (changes) => void (await call('appendChanges', { op: 'appendChanges', changes })),
    stateAt: async (at) => (await call('stateAt', { op: 'stateAt', at })).value,
    changes: async (from, until, limit) =>
      (await call('changes', { op: 'changes', from, until, limit })).value,
    usedBytes: async () => (await call('usedBytes', { op: 'usedBytes' })).value,
    async close() {
      if (ended !== undefined) return
      await call('close', { op: 'close' })
      ended = storeError({ code: 'STORE_CLOSED', path }, `${path} is closed`)
      await worker.terminate()
    },
  }
}

function answers<Op extends SeriesResponse['op']>(
  response: SeriesResponse,
  op: Op,
): response is Extract<SeriesResponse, { op: Op }> {
  return response.op === op
}
