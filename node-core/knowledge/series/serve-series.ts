import type { MessagePort } from 'node:worker_threads'
import { systemClock } from '../../platform/clock.ts'
import { FaultError, messageOf } from '../../platform/error.ts'
import { isStoreFault } from '../store-fault.ts'
import { createSeriesDriver, type SeriesDriver } from './series-driver.ts'
import type { Numbered, SeriesRequest, SeriesResponse } from './series-messages.ts'

/** The other thread: answers each request in order, and says faults instead of throwing them. */
export function serveSeries(port: MessagePort): void {
  let driver: SeriesDriver | undefined
  const answer = async (request: SeriesRequest): Promise<SeriesResponse> => {
    if (request.op === 'open') {
      driver = createSeriesDriver({ clock: systemClock }, request.options)
      return { op: 'open' }
    }
    if (driver === undefined) throw new TypeError('the first request opens the store')
    return await served(driver, request)
  }
  port.on('message', ({ id, body }: Numbered<SeriesRequest>) => {
    answer(body)
      .catch(failed)
      .then((response) => {
        port.postMessage({ id, body: response } satisfies Numbered<SeriesResponse>)
        if (body.op === 'close') port.close()
      })
  })
}

async function served(
  driver: SeriesDriver,
  request: Exclude<SeriesRequest, { op: 'open' }>,
): Promise<SeriesResponse> {
  const { op } = request
  switch (op) {
    case 'append':
      return { op, value: await driver.append(request.added, request.batch) }
    case 'list':
      return { op, value: await driver.list() }
    case 'query':
      return { op, value: await driver.query(request.key, request.query) }
    case 'appendChanges':
      await driver.appendChanges(request.changes)
      return { op }
    case 'stateAt':
      return { op, value: await driver.stateAt(request.at) }
    case 'changes':
      return { op, value: await driver.changes(request.from, request.until, request.limit) }
    case 'usedBytes':
      return { op, value: await driver.usedBytes() }
    case 'close':
      await driver.close()
      return { op }
  }
}

function failed(error: unknown): SeriesResponse {
  const fault = error instanceof FaultError && isStoreFault(error.fault) ? error.fault : undefined
  return { op: 'failed', message: messageOf(error), fault }
}
