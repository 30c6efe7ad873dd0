import { Worker } from 'node:worker_threads'

/** `process.permission` is there under `node --permission` only; a thread has the permissions of its process. */
const isConfined = 'permission' in process && process.permission !== undefined

/**
 * Calls an exported function of a module of tests in a thread of its own: the test runner follows every promise of its own thread, which
 * makes a simulation more than twice as dear. What goes in and out is plain data; what it throws is thrown here.
 */
export async function offRunner<T>(module: URL, name: string, ...args: readonly unknown[]): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const thread = new Worker(new URL('./off-runner-thread.ts', import.meta.url), {
    workerData: { module: module.href, name, args, isConfined },
  })
  thread.once('message', resolve)
  thread.once('error', reject)
  thread.once('exit', (code) => reject(new Error(`the thread of ${name} ended with ${code}`)))
  return await promise
}
