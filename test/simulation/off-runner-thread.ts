import { parentPort, workerData } from 'node:worker_threads'

const { module, name, args, isConfined } = workerData as {
  module: string
  name: string
  args: readonly unknown[]
  isConfined: boolean
}
// The suite stands on it that nothing here has an effect: a thread that could do more than its process must not look like that.
if (isConfined) {
  const denied = ['fs.write', 'child', 'net'].filter((one) => !process.permission.has(one))
  if (denied.length < 3)
    throw new Error(`only ${denied.join(', ') || 'nothing'} is denied in a thread of simulations`)
}
const { [name]: run } = (await import(module)) as Record<string, (...given: unknown[]) => Promise<unknown>>
if (run === undefined) throw new Error(`${module} has no ${name}`)
// A port between threads has no origin to name.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
parentPort?.postMessage(await run(...args))
