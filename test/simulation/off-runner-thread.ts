import { parentPort, workerData } from 'node:worker_threads'

const { module, name, args } = workerData as { module: string; name: string; args: readonly unknown[] }
const { [name]: run } = (await import(module)) as Record<string, (...given: unknown[]) => Promise<unknown>>
if (run === undefined) throw new Error(`${module} has no ${name}`)
// A port between threads has no origin to name.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
parentPort?.postMessage(await run(...args))
