import assert from 'node:assert/strict'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { prepareEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'
import { issueFiles, newAuthority } from '../support/member-certificates.ts'
import { PostgresEstate, sql } from '../support/postgres-estate.ts'
import type { Node } from '../support/postgres-estate.ts'

/** PostgreSQL 18 as it comes from npm: initdb, pg_ctl and postgres, no pg_rewind. */
describe('a switch with the embedded PostgreSQL', () => {
  let estate: PostgresEstate
  const authority = newAuthority()
  let a: Node
  let b: Node

  before(async () => {
    // Below the estate's root, which other users may enter.
    estate = await PostgresEstate.open('')
    const bin = await prepareEmbeddedPostgres(join(estate.root, 'server'))
    const tls = async (name: string) => await issueFiles(join(estate.root, `${name}-tls`), authority)
    a = await estate.node('a', { binDirectory: bin, tls: await tls('a') })
    b = await estate.node('b', { binDirectory: bin, tls: await tls('b') })
    await estate.primary(a)
    await estate.standby(b, a)
    await a.member.setSynchronous(['b'], 1)
  })

  after(async () => {
    await estate.close()
    await rm(estate.root, { recursive: true, force: true })
  })

  test('acknowledges canaries by the standby and observes version 18', async () => {
    assert.deepEqual(await a.member.writeCanary(1, 5_000), { counter: 1 })
    const { role, versionNumber, standbys } = await a.member.observe()
    assert.equal(role, 'primary')
    assert.ok(versionNumber !== undefined && versionNumber >= 180_000)
    assert.deepEqual(
      standbys?.map(({ name, state, encrypted }) => [name, state, encrypted]),
      [['b', 'streaming', true]],
    )
  })

  test('shows a renewed certificate without a restart', async () => {
    await issueFiles(join(estate.root, 'a-tls'), newAuthority())
    assert.equal(await a.member.isRenewalDue?.(), true)
    await a.member.renewCertificate?.()
    assert.equal(await a.member.isRenewalDue?.(), false)
    await issueFiles(join(estate.root, 'a-tls'), authority)
    await a.member.renewCertificate?.()
    assert.equal((await a.member.observe()).certificate?.problem, undefined)
  })

  test('promotes after the detach, and the diverged former primary comes back as a clone', async () => {
    await b.member.detach()
    await assert.rejects(a.member.writeCanary(2, 500), { code: 'PG_OUTCOME_UNKNOWN' })
    await a.member.stopImmediate()
    await b.member.promote()
    await b.member.writeCanary(3, 5_000)
    assert.deepEqual(await a.member.rejoin(b.upstream), { method: 'clone' })
    await a.member.startAsStandby()
    await a.member.follow(b.upstream)
    await b.member.setSynchronous(['a'], 1)
    await b.member.writeCanary(4, 5_000)
    const rows = await sql(b, 'select wall_ms::int as ms from pointzero_canary.ledger order by counter')
    assert.deepEqual(rows, [{ ms: 1 }, { ms: 3 }, { ms: 4 }])
    assert.ok((await readdir(`${a.config.dataDirectory}.kept-1`)).includes('PG_VERSION'))
  })

  test('a planned switch needs no clone', async () => {
    const { shutdownLsn } = await b.member.stopClean()
    assert.equal((await a.member.observe()).receivedLsn, shutdownLsn)
    await a.member.detach()
    await a.member.promote()
    assert.deepEqual(await b.member.rejoin(a.upstream), { method: 'unchanged' })
    await b.member.startAsStandby()
    await b.member.follow(a.upstream)
  })
})
