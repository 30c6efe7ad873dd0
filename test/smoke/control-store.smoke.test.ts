import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { createAuthority, issueIdentity } from '../../src/platform/certificates.ts'
import { HttpsNetwork } from '../../src/platform/https-network.ts'
import { SqliteControlStore } from '../../src/platform/sqlite-control-store.ts'
import { SystemClock } from '../../src/platform/system-clock.ts'
import { RemoteStore } from '../../src/server/remote-store.ts'
import { storeHandler } from '../../src/server/store-wire.ts'
import { MemoryControlStore } from '../../src/simulation/memory-control-store.ts'
import { controlStoreContract } from '../integration/control-store.contract.ts'

const clock = new SystemClock()
const log = { info: () => undefined, warn: () => undefined }
const place = { address: '127.0.0.1', port: 0 }

function folder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'pointzero-store-'))
  return { path, remove: () => rmSync(path, { recursive: true }) }
}

controlStoreContract('in memory', async () => ({
  store: new MemoryControlStore(clock),
  close: async () => undefined,
}))

controlStoreContract('SQLite', async () => {
  const { path, remove } = folder()
  const store = new SqliteControlStore(clock, join(path, 'control.db'))
  return {
    store,
    close: async () => {
      store.close()
      remove()
    },
  }
})

const authority = createAuthority('est_abcdef', Date.now())
const identity = (subject: string) =>
  issueIdentity(authority, { subject, addresses: ['127.0.0.1'], nowMs: Date.now() })
const serverIdentity = identity('prn_control')
const clientIdentity = identity('prn_executor')

async function remote(subject = clientIdentity) {
  const server = new HttpsNetwork(serverIdentity, log)
  const client = new HttpsNetwork(subject, log)
  const listener = await server.serve(place, storeHandler(new MemoryControlStore(clock), 'pz/'))
  const endpoint = { address: '127.0.0.1', port: listener.port }
  const store = new RemoteStore(client, { endpoint, subject: 'prn_control', timeoutMs: 2_000 })
  const close = async (): Promise<void> => {
    client.close()
    await listener.close()
  }
  return { store, close, listener }
}

controlStoreContract('over the network', remote)

test('an agent is not let into the control store', async () => {
  const { store, close } = await remote(identity('hst_agentaa'))
  await assert.rejects(store.get('pz/x'), { code: 'STORE_FORBIDDEN', class: 'refused' })
  await close()
})

test('keys of another estate are not served', async () => {
  const { store, close } = await remote()
  await assert.rejects(store.get('other/x'), { code: 'STORE_REQUEST_INVALID' })
  await close()
})

test('a control store that is gone was certainly not written', async () => {
  const { store, close } = await remote()
  await close()
  await assert.rejects(store.transact({ compare: [], put: [{ key: 'pz/a', value: '' }] }), {
    code: 'STORE_UNREACHABLE',
    class: 'transient',
  })
})

test('a control store that goes away while it writes leaves an unknown outcome', async () => {
  const { store, close, listener } = await remote()
  const waiting = store.changes('pz/', 0, 800)
  const lost = assert.rejects(waiting, { code: 'STORE_UNREACHABLE', class: 'transient' })
  await clock.sleep(50)
  await listener.close()
  await lost
  await close()
})

test('what succeeded is there after the process was killed', async () => {
  const { path, remove } = folder()
  const file = join(path, 'control.db')
  const program = `
    import { SqliteControlStore } from ${JSON.stringify(import.meta.resolve('../../src/platform/sqlite-control-store.ts'))}
    import { SystemClock } from ${JSON.stringify(import.meta.resolve('../../src/platform/system-clock.ts'))}
    const store = new SqliteControlStore(new SystemClock(), ${JSON.stringify(file)})
    for (let n = 1; ; n += 1) {
      const { revision } = await store.transact({ compare: [], put: [{ key: 'pz/' + n, value: String(n) }] })
      process.stdout.write(revision + '\\n')
    }`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    if (text.length > 300) child.kill('SIGKILL')
  })
  await once(child, 'close')
  const acknowledged = Number(text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1))
  assert.ok(acknowledged > 10)
  const store = new SqliteControlStore(clock, file)
  for (let n = 1; n <= acknowledged; n += 1)
    assert.deepEqual(await store.get(`pz/${n}`), { key: `pz/${n}`, value: String(n), revision: n })
  assert.ok(
    (await store.transact({ compare: [], put: [{ key: 'pz/next', value: '' }] })).revision > acknowledged,
  )
  store.close()
  remove()
})

test('a second opener is refused while the first has the store open', async () => {
  const { path, remove } = folder()
  const file = join(path, 'control.db')
  const first = new SqliteControlStore(clock, file)
  assert.throws(() => new SqliteControlStore(clock, file), { code: 'STORE_IN_USE', class: 'refused' })
  await first.transact({ compare: [], put: [{ key: 'pz/a', value: '1' }] })
  assert.throws(() => new SqliteControlStore(clock, file), { code: 'STORE_IN_USE' })
  first.close()
  const second = new SqliteControlStore(clock, file)
  assert.equal((await second.get('pz/a'))?.value, '1')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  second.close()
  remove()
})

test('a store of an unknown format is refused by name, and left as it is', () => {
  const { path, remove } = folder()
  const file = join(path, 'control.db')
  new SqliteControlStore(clock, file).close()
  const database = new DatabaseSync(file)
  database.exec("UPDATE store SET format = 'pointzero/control-store/9'")
  database.close()
  assert.throws(() => new SqliteControlStore(clock, file), { code: 'FORMAT_UNKNOWN' })
  const again = new DatabaseSync(file)
  assert.equal(again.prepare('SELECT format FROM store').get()?.['format'], 'pointzero/control-store/9')
  again.close()
  remove()
})

test('a file that is no store is refused, and left as it is', () => {
  const { path, remove } = folder()
  const file = join(path, 'control.db')
  writeFileSync(file, 'not a database, certainly not one of ours'.repeat(100))
  assert.throws(() => new SqliteControlStore(clock, file), { code: 'STORE_NOT_OPENED' })
  assert.match(readFileSync(file, 'utf8'), /^not a database/)
  remove()
})
