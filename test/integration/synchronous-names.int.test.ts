import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CaptureClient } from '../support/capture-client.ts'
import { eventually, PlainPostgres } from '../support/plain-postgres.ts'
import type { PlainServer } from '../support/plain-postgres.ts'
import { requireSystemPostgres, systemPostgres } from '../support/postgres-estate.ts'

describe('whom PostgreSQL 15 takes for a name of the rule', () => {
  let postgres: PlainPostgres
  let server: PlainServer
  const clients: CaptureClient[] = []

  before(async () => {
    requireSystemPostgres()
    postgres = await PlainPostgres.open()
    server = await postgres.initialise(systemPostgres, 'primary')
    await server.start()
    await server.sql('create table confirmed (i int)')
  })

  after(async () => {
    for (const client of clients) await client.stop('SIGKILL')
    await postgres.close()
  })

  async function receive(applicationName: string, slot: string): Promise<CaptureClient> {
    const sources = [{ address: '127.0.0.1', port: server.port }]
    const client = new CaptureClient(postgres.root, slot, { sources, applicationName, slot })
    clients.push(client)
    client.start()
    await eventually(`it receives: ${client.errors}`, async () =>
      ['streaming', 'sync'].includes(client.state?.protection.kind ?? '') ? true : undefined,
    )
    return client
  }

  async function load(rule: string): Promise<void> {
    await server.sql(`alter system set synchronous_standby_names = '${rule}'`)
    await server.sql('select pg_reload_conf()')
    await eventually('it is loaded', async () =>
      (await server.scalar('show synchronous_standby_names')) === rule ? true : undefined,
    )
  }

  /** Whether a commit comes through within two seconds. */
  async function confirms(synchronousCommit = 'on'): Promise<boolean> {
    const session = await server.connect()
    try {
      await session.simpleQuery(`set synchronous_commit = ${synchronousCommit}`)
      const committed = session.simpleQuery('insert into confirmed values (1)').then(
        () => true,
        () => false,
      )
      return await Promise.race([committed, sleep(2_000, false)])
    } finally {
      session.close()
    }
  }

  test('a receiver of ours acknowledges what it made durable, and nothing that waits for more', async () => {
    await receive('wal', 'one')
    await load('ANY 1 (wal)')
    assert.equal(await confirms(), true)
    assert.equal(await confirms('remote_apply'), false)
  })

  test('two receivers of one name, in any case, are two acknowledgements: a commit has no member, which is why a namesake is refused', async () => {
    await load('ANY 2 (s1, wal)')
    assert.equal(await confirms(), false)
    const namesake = await receive('WAL', 'other')
    assert.equal(await confirms(), true)
    await namesake.stop()
    await eventually('one is left', async () =>
      (await server.scalar('select count(*)::text from pg_stat_replication')) === '1' ? true : undefined,
    )
    assert.equal(await confirms(), false)
  })
})
