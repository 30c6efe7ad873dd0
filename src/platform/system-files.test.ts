import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { SystemFiles } from './system-files.ts'

const files = new SystemFiles()
const folder = mkdtempSync(join(tmpdir(), 'pointzero-files-'))
after(() => {
  chmodSync(folder, 0o700)
  rmSync(folder, { recursive: true })
})
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

test('a file that was never written is absent', async () => {
  assert.equal(await files.read(join(folder, 'nothing')), undefined)
})

test('replaces the whole content, and nobody else can read it', async () => {
  const path = join(folder, 'deep', 'er', 'state.json')
  await files.replace(path, bytes('a long first content'))
  await files.replace(path, bytes('short'))
  assert.deepEqual(await files.read(path), bytes('short'))
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(join(folder, 'deep', 'er')), ['state.json'])
})

test('a reader sees the old content or the new one, never a mixture', async () => {
  const path = join(folder, 'mixed')
  const contents = [bytes('a'.repeat(100_000)), bytes('b'.repeat(50_000))]
  await files.replace(path, contents[0] as Uint8Array)
  const writing = (async () => {
    for (let n = 0; n < 20; n += 1) await files.replace(path, contents[n % 2] as Uint8Array)
  })()
  for (let n = 0; n < 40; n += 1) {
    const text = new TextDecoder().decode(await files.read(path))
    assert.ok(/^(a{100000}|b{50000})$/.test(text))
  }
  await writing
})

test('what can not be replaced is left as it is and nothing is left beside it', async () => {
  const path = join(folder, 'kept')
  await files.replace(join(path, 'inside'), bytes('x'))
  await assert.rejects(files.replace(path, bytes('y')), { code: 'FILE_NOT_REPLACED' })
  assert.deepEqual(await files.read(join(path, 'inside')), bytes('x'))
  assert.ok(readdirSync(folder).every((name) => !name.startsWith('.')))
})
