import assert from 'node:assert/strict'
import { enableCompileCache, getCompileCacheDir } from 'node:module'
import { test } from 'node:test'
import { startWorkerThread } from './worker-thread.ts'

test('a thread reads its modules from the compile cache of its process', async () => {
  enableCompileCache()
  const source = `import { getCompileCacheDir } from 'node:module'
    import { parentPort } from 'node:worker_threads'
    parentPort.postMessage(getCompileCacheDir())`
  const worker = startWorkerThread<string>(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {})
  let found: string | undefined
  worker.onEvent((directory) => (found = directory))
  await worker.ended
  assert.ok(found !== undefined && found === getCompileCacheDir(), String(found))
})
