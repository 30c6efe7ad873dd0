import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualTime } from '../../test/support/virtual-world.ts'
import { Tickets } from './tickets.ts'

const target = 'cmp_ledger/mbr_ledger1'

function office() {
  const time = new VirtualTime()
  const tickets = new Tickets(time.world())
  const issued = (holder: string): string => {
    const id = tickets.issue(target, holder, tickets.round(target))
    assert.ok(id !== undefined)
    return id
  }
  const isGood = (holder: string, id: unknown): boolean => {
    try {
      tickets.require(target, holder, id)
      return true
    } catch (error) {
      assert.equal((error as { code?: unknown }).code, 'TICKET_STALE')
      assert.equal((error as { class?: unknown }).class, 'transient')
      return false
    }
  }
  return { time, tickets, issued, isGood }
}

test('a ticket is good for the step that looked, at the target that it looked at', () => {
  const { tickets, issued, isGood } = office()
  const id = issued('one')
  assert.equal(isGood('one', id), true)
  assert.equal(isGood('two', id), false)
  assert.throws(() => tickets.require('cmp_ledger/mbr_ledger2', 'one', id), { code: 'TICKET_STALE' })
})

test('no ticket, and what is none, is not good', () => {
  const { issued, isGood } = office()
  issued('one')
  for (const id of [undefined, null, '', 0, {}]) assert.equal(isGood('one', id), false)
})

test('the same step that looks again has the same ticket, another one its own', () => {
  const { issued, isGood } = office()
  const id = issued('one')
  assert.notEqual(issued('two'), id)
  assert.equal(issued('one'), id)
  assert.equal(isGood('one', id), true)
})

test('whatever happens to the target makes every ticket void, also of a look that is under way', () => {
  const { tickets, issued, isGood } = office()
  const id = issued('one')
  const round = tickets.round(target)
  tickets.endRound(target)
  assert.equal(isGood('one', id), false)
  assert.equal(tickets.issue(target, 'one', round), undefined)
  assert.notEqual(issued('one'), id)
})

test('a ticket does not live long', async () => {
  const { time, issued, isGood } = office()
  const id = issued('one')
  await time.pass(29_000)
  assert.equal(isGood('one', id), true)
  await time.pass(2_000)
  assert.equal(isGood('one', id), false)
  assert.notEqual(issued('one'), id)
})

test('however many steps look, so many tickets are kept and no more: the newest', () => {
  const { issued, isGood } = office()
  const ids = Array.from({ length: 40 }, (_, index) => issued(`step ${index}`))
  const good = ids.filter((id, index) => isGood(`step ${index}`, id))
  assert.deepEqual(good, ids.slice(-32))
})
