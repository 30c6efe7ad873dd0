import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecoveryError } from '../../domain/recovery-error.ts'
import { copiesBytesMax } from '../../ports/copies-wire.ts'
import { MemoryObjectStore } from '../../../test/support/memory-object-store.ts'
import { objectStoreContract } from '../../../test/support/object-store-contract.ts'
import { remoteCopies } from '../../../test/support/remote-copies.ts'
import { openRemoteVault } from './remote-vault.ts'

objectStoreContract('a vault behind an agent', async () => {
  const store = new MemoryObjectStore()
  const vault = openRemoteVault(remoteCopies({ vault: store }).call)
  return {
    ...vault,
    putNew: async (name, pieces, options) => store.putNew(name, pieces, options),
  }
})

const bytes = new Uint8Array(3 * copiesBytesMax + 17).map((_, index) => (index * 7) % 251)

test('reads a large object in pieces that one reply can hold, and asks for each once', async () => {
  const store = new MemoryObjectStore()
  await store.putNew('e/1/p/a.pack', [bytes])
  const { call, asked } = remoteCopies({ vault: store })
  const vault = openRemoteVault(call)
  assert.deepEqual(await vault.get('e/1/p/a.pack'), bytes)
  for (let offset = 0; offset < bytes.length; offset += 700_001) {
    const length = Math.min(700_001, bytes.length - offset)
    const range = await vault.get('e/1/p/a.pack', { offset, length })
    assert.ok(Buffer.from(range).equals(bytes.subarray(offset, offset + length)))
  }
  assert.equal(asked.filter((one) => one.startsWith('agent/vault-get')).length, 4)
})

test('asks for what comes next before it is wanted', async () => {
  const store = new MemoryObjectStore()
  await store.putNew('a', [bytes])
  const { call, asked } = remoteCopies({ vault: store })
  await openRemoteVault(call).get('a', { offset: 10, length: 20 })
  assert.equal(asked.length, 3)
})

test('asks again for what was not answered, and says which host was silent when it stays so', async () => {
  const store = new MemoryObjectStore()
  await store.putNew('a', [Buffer.from('x')])
  const lost = (code: string) =>
    new RecoveryError({ code, class: 'transient', message: 'gone', hint: 'wait' })
  let silent = 2
  const flaky = remoteCopies({ vault: store }, () => {
    if (silent-- > 0) throw lost('NETWORK_REPLY_LOST')
  })
  assert.equal(Buffer.from(await openRemoteVault(flaky.call).get('a')).toString(), 'x')
  const dead = remoteCopies({ vault: store }, () => {
    throw lost('NETWORK_UNREACHABLE')
  })
  const refusal = { code: 'STORE_UNREACHABLE', class: 'transient', message: /witness/ }
  await assert.rejects(openRemoteVault(dead.call).head('a'), refusal)
})
