import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { KeptDirectories } from './kept-directories.ts'

test('what a rejoin left beside the data directory is listed with its size until somebody removes it', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'pointzero-kept-'))
  try {
    const data = join(parent, 'data')
    for (const [file, bytes] of [
      ['data/base/1', 9],
      ['data.kept-1/base/1', 100],
      ['data.kept-1/pg_wal/2', 20],
      ['data.diverged-1/0001', 16],
      ['data.clone/base/1', 7],
      ['other.kept-1/base/1', 7],
    ] as const) {
      await mkdir(join(parent, file, '..'), { recursive: true })
      await writeFile(join(parent, file), Buffer.alloc(bytes))
    }
    const kept = new KeptDirectories(data)
    const all = [
      { path: `${data}.diverged-1`, bytes: 16 },
      { path: `${data}.kept-1`, bytes: 120 },
    ]
    assert.deepEqual(await new KeptDirectories(join(parent, 'absent/data')).read(), [])
    assert.deepEqual(await kept.read(), all)
    assert.deepEqual(await kept.read(), all)
    await writeFile(join(`${data}.diverged-1`, '0002'), Buffer.alloc(4))
    assert.equal((await kept.read())[0]?.bytes, 20)
    await rm(`${data}.kept-1`, { recursive: true })
    assert.equal((await kept.read()).length, 1)
  } finally {
    await rm(parent, { recursive: true })
  }
})
