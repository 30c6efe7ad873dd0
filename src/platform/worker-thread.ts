import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { parentPort, Worker as Thread, workerData } from 'node:worker_threads'
import { assert, fromErrorRecord, toErrorRecord } from '../domain/recovery-error.ts'
import type { ErrorRecord } from '../domain/recovery-error.ts'
import type { Worker, WorkerSide } from '../ports/worker.ts'

const stopMessage = 'stop'

/** Starts a module in a thread; `data` is copied to it. A thread that throws ends only itself, and `ended` says so. */
export function startWorkerThread<Event>(module: URL, data: unknown): Worker<Event> {
  const thread = new Thread(module, { workerData: data, env: environment() })
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

/**
 * A thread has a compile cache of its own, or none: without it reading the modules costs more than most of what threads are asked. Below the
 * directory that is named each build of Node makes one of its own.
 */
function environment(): NodeJS.ProcessEnv {
  const directory = getCompileCacheDir()
  return directory === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(directory) }
}

type Answer<Value> = { readonly value: Value } | { readonly error: ErrorRecord }

/** Asks a module that calls `answerOnce`, in a thread for this one question. Rejects with what it threw there. */
export async function askWorkerThread<Value>(module: URL, data: unknown): Promise<Value> {
  const worker = startWorkerThread<Answer<Value>>(module, data)
  const { promise, resolve, reject } = Promise.withResolvers<Answer<Value>>()
  worker.onEvent(resolve)
  worker.ended.then(() => reject(new Error('the thread said nothing')), reject)
  const answer = await promise
  if ('error' in answer) throw fromErrorRecord(answer.error)
  return answer.value
}

/** The other side of it: a value goes back as plain data, an error as its record. */
export async function answerOnce<Data, Value>(work: (data: Data) => Promise<Value>): Promise<void> {
  const { data, side } = workerSide<Data, Answer<Value>>()
  try {
    side.send({ value: await work(data) })
  } catch (error) {
    side.send({ error: toErrorRecord(error) })
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
