import assert from 'node:assert/strict'
import { mkdtempSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { runCommandLine } from './command-line.ts'
import type { Terminal } from './terminal.ts'

interface Place {
  readonly root: string
  readonly store: string
  readonly keys: string
  /** What is in a directory; nothing where there is none. */
  files(directory: string): readonly string[]
  /** Exit code and what it said. */
  init(): Promise<readonly [number, string]>
}

function place(t: TestContext): Place {
  const root = mkdtempSync(join(tmpdir(), 'pointzero-init-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const [store, keys] = [join(root, 'deep', 'vault'), join(root, 'keys')]
  return {
    ...{ root, store, keys },
    files(directory) {
      try {
        return readdirSync(directory).toSorted()
      } catch {
        return []
      }
    },
    async init() {
      let said = ''
      const terminal: Terminal = {
        write: (text) => void (said += text),
        note: (text) => void (said += text),
        hasColour: false,
        environment: {},
        workingDirectory: root,
        nowMs: () => 0,
        stop: new AbortController().signal,
      }
      const code = await runCommandLine(['vault', 'init', '--store', store, '--out', keys], terminal)
      return [code, said]
    },
  }
}

test('a vault is made in a directory that is not there yet, as the documentation says it', async (t) => {
  const at = place(t)
  const [code, said] = await at.init()
  assert.equal(code, 0, said)
  assert.deepEqual(at.files(at.keys), ['recovery.pem', 'vault.pin.json', 'writer.json'])
  assert.deepEqual(at.files(at.store), ['.unfinished', 'vault.json'])
})

test('a directory that holds something is refused before a key is written', async (t) => {
  const at = place(t)
  mkdirSync(at.store, { recursive: true })
  writeFileSync(join(at.store, 'something'), '')
  const [code, said] = await at.init()
  assert.equal(code, 3, said)
  assert.match(said, /VAULT_STORE_NOT_EMPTY/)
  assert.deepEqual(at.files(at.keys), [])
})

test('a key that exists is kept, nothing is left beside it, and it can be said again', async (t) => {
  const at = place(t)
  mkdirSync(at.keys)
  writeFileSync(join(at.keys, 'recovery.pem'), 'of another vault')
  const [code, said] = await at.init()
  assert.equal(code, 2, said)
  assert.match(said, /recovery\.pem: EEXIST/)
  assert.deepEqual(at.files(at.keys), ['recovery.pem'])
  assert.deepEqual(at.files(at.store), [])
  rmSync(join(at.keys, 'recovery.pem'))
  assert.equal((await at.init())[0], 0)
})
