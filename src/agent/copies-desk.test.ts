import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemoryArchive } from '../../test/support/memory-archive.ts'
import { copiesDesk } from '../../test/support/remote-copies.ts'

const request = { estate: 'est_small01', component: 'cmp_ledger', path: '' }

describe('CopiesDesk', () => {
  it('lets the hosts of the component read, and no other host', () => {
    const desk = copiesDesk({})
    assert.equal(desk.isReader('agent/vault-list', request, 'hst_aaaaaa'), true)
    assert.equal(desk.isReader('agent/vault-list', request, 'hst_wwwwww'), false)
    assert.equal(
      desk.isReader('agent/vault-list', { ...request, component: 'cmp_gate01' }, 'hst_aaaaaa'),
      false,
    )
    assert.equal(desk.isReader('agent/vault-list', null, 'hst_aaaaaa'), false)
  })

  it('resolves targets for executors only', () => {
    assert.equal(copiesDesk({}).isReader('agent/resolve-target', request, 'hst_aaaaaa'), false)
  })

  it('says what it does not keep, and what is of another estate', async () => {
    const desk = copiesDesk({ archive: new MemoryArchive() })
    await assert.rejects(desk.handle('agent/vault-list', request), { code: 'COPIES_NOT_HERE' })
    const other = { ...request, component: 'cmp_other1' }
    await assert.rejects(desk.handle('agent/archive-list', other), { code: 'COPIES_NOT_HERE' })
    const elsewhere = { ...request, estate: 'est_other1' }
    await assert.rejects(desk.handle('agent/archive-list', elsewhere), { code: 'ESTATE_MISMATCH' })
  })
})
