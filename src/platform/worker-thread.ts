import { parentPort, Worker as Thread, workerData } from 'node:worker_threads'
import { assert } from '../domain/recovery-error.ts'
import type { Worker, WorkerSide } from '../ports/worker.ts'

const stopMessage = 'stop'

/** Starts a module in a thread; `data` is copied to it. A thread that throws ends only itself, and `ended` says so. */
export function startWorkerThread<Event>(module: URL, data: unknown): Worker<Event> {
  const thread = new Thread(module, { workerData: data })
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
  ended.catch(() => undefined)
  thread.once('error', (error) => reject(error))
  thread.once('exit', (code) => {
    if (code === 0) resolve()
    else reject(new Error(`the thread ended with ${code}`))
  })
  return {
    ended,
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    stop: () => thread.postMessage(stopMessage),
    onEvent: (handler) => void thread.on('message', handler),
  }
}

/** What the module that was started gets. It ends when its own work ends. */
export function workerSide<Data, Event>(): { readonly data: Data; readonly side: WorkerSide<Event> } {
  const port = parentPort
  assert(port !== null, 'this module runs in a worker thread')
  const stop = new AbortController()
  // An open port alone does not keep the thread alive.
  port.on('message', (message) => {
    if (message === stopMessage) stop.abort(new Error('told to stop'))
  })
  port.unref()
  return { data: workerData as Data, side: { stop: stop.signal, send: (event) => port.postMessage(event) } }
}
