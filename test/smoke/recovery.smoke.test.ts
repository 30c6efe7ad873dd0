import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { prepareEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'
import { RecoveryBed } from '../support/recovery-bed.ts'
import { recoverTo } from '../support/recovery-place.ts'
import { sql } from '../support/postgres-estate.ts'

test('PostgreSQL 18: a database comes back to its newest point, checked, with its sequences above every number', async () => {
  const programs = await mkdtemp(join(tmpdir(), 'pz-pg18-'))
  const bed = await RecoveryBed.open(await prepareEmbeddedPostgres(programs))
  try {
    await sql(bed.node, 'create table kept (id bigserial primary key, body text)')
    await bed.backUp()
    await sql(bed.node, `insert into kept (body) select 'x' from generate_series(1, 50)`)
    await bed.caughtUp()
    const goal = await bed.goal({ kind: 'end' })
    await sql(bed.node, `insert into kept (body) select 'undone' from generate_series(1, 50)`)
    const recovery = bed.recovery()
    await recovery.export('run_smoke', goal)
    await bed.node.member.stopClean()
    await recoverTo(recovery, 'run_smoke', goal, [
      { name: 'all are there', query: 'select count(*) from kept', equals: '50' },
    ])
    await bed.node.member.startAsStandby()
    await bed.node.member.promote()
    const [row] = await sql(bed.node, `insert into kept (body) values ('new') returning id::int`)
    assert.ok(Number(row?.['id']) > 100, JSON.stringify(row))
  } finally {
    await bed.close()
    await rm(programs, { recursive: true, force: true })
  }
})
