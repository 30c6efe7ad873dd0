import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { enableCompileCache, getCompileCacheDir } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startWorkerThread } from './worker-thread.ts'

test('a thread reads its modules from the compile cache of its process', async (t) => {
  // The default is shared by all users of the machine, and belongs to the first of them.
  const directory = mkdtempSync(join(tmpdir(), 'pointzero-compile-'))
  t.after(() => rmSync(directory, { recursive: true }))
  enableCompileCache(directory)
  const source = `import { getCompileCacheDir } from 'node:module'
    import { parentPort } from 'node:worker_threads'
    parentPort.postMessage(getCompileCacheDir())`
  const worker = startWorkerThread<string>(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {})
  let found: string | undefined
  worker.onEvent((directory) => (found = directory))
  await worker.ended
  assert.ok(found !== undefined && found === getCompileCacheDir(), String(found))
})
