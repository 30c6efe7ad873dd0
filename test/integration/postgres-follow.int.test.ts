import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { hasAllOf, openCluster, refusedWith, refusesToFollow } from '../support/postgres-cluster.ts'
import { sql } from '../support/postgres-estate.ts'
import type { Node, PostgresEstate } from '../support/postgres-estate.ts'

describe('a standby that has not replayed all that it received', () => {
  let estate: PostgresEstate
  let a: Node
  let b: Node
  let c: Node

  before(async () => {
    const cluster = await openCluster(['a', 'b', 'c'])
    ;({ estate } = cluster)
    ;[a, b, c] = cluster.nodes as [Node, Node, Node]
  })

  after(async () => {
    await estate.close()
  })

  /** The table is there on no member but `a` and, received, `c`, which applies nothing that is younger than the delay. */
  async function loseTable(delay: string): Promise<void> {
    await sql(c, `alter system set recovery_min_apply_delay = '${delay}'`)
    await sql(c, 'select pg_reload_conf()')
    await sql(a, 'create table held_up (id int)')
    await hasAllOf(a, b)
    await b.member.detach()
    await sql(a, 'create table lost (id int)')
    await hasAllOf(a, c)
    await Promise.all([a.member.stopImmediate(), c.member.stopImmediate()])
    await b.member.setSynchronous([], 0)
    await b.member.promote()
    await sql(b, 'create table won (id int)')
    await c.member.startAsStandby()
    await c.member.detach()
  }

  async function isThere(table: string): Promise<unknown> {
    const [row] = await sql(c, `select to_regclass('${table}') is not null as there`)
    return row?.['there']
  }

  test('is not compared by what it has replayed: the rest of its WAL may be what nobody else has (T09)', async () => {
    await loseTable('8s')
    assert.equal(await isThere('held_up'), false)
    await refusesToFollow(c, b)
    assert.equal((await c.member.observe()).upstream, '')
    assert.equal(await isThere('lost'), true, 'it knew where its WAL ends')
    await bringBack()
  })

  test('names nobody while its replay is held up, and a rejoin does not wait for a delay that its owner wants', async () => {
    await loseTable('1h')
    await assert.rejects(c.member.follow(b.upstream), refusedWith('PG_UNREACHABLE', 'transient'))
    assert.equal((await c.member.observe()).upstream, '')
    await bringBack()
    assert.equal(await isThere('lost'), false)
  })

  /** The next test finds all three together again, led by `a`. */
  async function bringBack(): Promise<void> {
    await c.member.stopImmediate()
    const { method } = await c.member.rejoin(b.upstream)
    assert.notEqual(method, 'unchanged')
    await sql(b, 'drop table won, held_up')
    await a.member.rejoin(b.upstream)
    ;[a, b] = [b, a]
    for (const { member } of [b, c]) {
      await member.startAsStandby()
      await member.follow(a.upstream)
    }
    await a.member.setSynchronous(
      ['a', 'b', 'c'].filter((name) => name !== a.config.name),
      1,
    )
  }

  test('is never told to follow one that does not answer: nothing would be compared', async () => {
    await c.member.detach()
    await a.member.stopImmediate()
    await assert.rejects(c.member.follow(a.upstream), refusedWith('PG_UNREACHABLE', 'transient'))
    assert.equal((await c.member.observe()).upstream, '')
  })
})
