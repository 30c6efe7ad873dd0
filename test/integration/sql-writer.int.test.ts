import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ClientLogEntry } from '../../src/lab/workload/client-log.ts'
import { ledgerSchema } from '../../src/lab/workload/ledger-schema.ts'
import { runSqlWriter } from '../../src/lab/workload/sql-writer.ts'
import { eventually, PlainPostgres } from '../support/plain-postgres.ts'
import type { PlainServer } from '../support/plain-postgres.ts'
import { requireSystemPostgres, systemPostgres } from '../support/postgres-estate.ts'

describe('a client that writes a row every few milliseconds', () => {
  let postgres: PlainPostgres
  let server: PlainServer

  before(async () => {
    requireSystemPostgres()
    postgres = await PlainPostgres.open()
    server = await postgres.initialise(systemPostgres, 'primary')
    await server.start()
    await server.sql(ledgerSchema)
  })

  after(async () => await postgres.close())

  async function refuseWrites(value: 'on' | 'off'): Promise<void> {
    await server.sql(`alter system set default_transaction_read_only = ${value}`)
    await server.sql('select pg_reload_conf()')
    await eventually('it is loaded', async () =>
      (await server.scalar('show default_transaction_read_only')) === value ? true : undefined,
    )
  }

  test('keeps its connection while a server refuses writes, says that nothing happened, and goes on by it', async () => {
    await refuseWrites('on')
    const entries: ClientLogEntry[] = []
    const stop = new AbortController()
    const target = { address: '127.0.0.1', port: server.port, database: 'postgres', user: 'postgres' }
    const options = {
      target,
      table: 'exchange.raw_writes',
      run: 'w',
      intervalMs: 5,
      timeoutMs: 2_000,
    } as const
    const done = runSqlWriter(options, { write: (entry) => void entries.push(entry) }, stop.signal)
    const outcomes = (kind: string): number =>
      entries.filter((one) => one.kind === 'outcome' && one.outcome === kind).length
    const writers = `select string_agg(pid::text, ',') from pg_stat_activity where application_name = 'exchange'`
    try {
      await eventually('20 are refused', async () => (outcomes('refused') >= 20 ? true : undefined))
      const before = await server.scalar(writers)
      assert.match(before, /^\d+$/, 'one session')
      await refuseWrites('off')
      await eventually('20 are acknowledged', async () => (outcomes('acked') >= 20 ? true : undefined))
      assert.equal(await server.scalar(writers), before, 'the same session')
    } finally {
      stop.abort()
      await done
    }
    assert.equal(outcomes('unknown'), 0)
    assert.equal(await server.scalar('select count(*) from exchange.raw_writes'), `${outcomes('acked')}`)
  })
})
