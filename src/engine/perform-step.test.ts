import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bed, eventsOf, execute, journalOf, planOf, step } from '../../test/support/executor-bed.ts'
import type { Bed } from '../../test/support/executor-bed.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Performer, StepRequest } from './performer.ts'

/** As an agent does: every look that is not satisfied gives a ticket, and the effect is refused while `refuses` says so. */
function ticketing(on: Bed, refuses: (nth: number) => boolean): { performer: Performer; quoted: string[] } {
  const inner = on.target.performer()
  const quoted: string[] = []
  let looks = 0
  return {
    quoted,
    performer: {
      ...inner,
      observe: async (request) => {
        const seen = await inner.observe(request)
        looks += 1
        return seen.satisfied ? seen : { ...seen, ticket: `look ${looks}` }
      },
      apply: async (request: StepRequest) => {
        quoted.push(request.ticket ?? 'none')
        if (refuses(quoted.length)) throw stale()
        return await inner.apply(request)
      },
    },
  }
}

function stale(): RecoveryError {
  return new RecoveryError({ code: 'TICKET_STALE', class: 'transient', message: 'stale', hint: '' })
}

const once = planOf(step('follow', [], { retry: { attempts: 1, waitMs: 0 } }))

test('an effect quotes the look that it was decided from', async () => {
  const on = await bed(once)
  const { performer, quoted } = ticketing(on, () => false)
  assert.equal((await execute(on, { performer })).status, 'completed')
  assert.deepEqual(quoted, ['look 1'])
})

test('refused because something else happened to the target, it looks again and asks again, under the same intent', async () => {
  const on = await bed(once)
  const { performer, quoted } = ticketing(on, (nth) => nth <= 2)
  assert.equal((await execute(on, { performer })).status, 'completed')
  assert.deepEqual(quoted, ['look 1', 'look 2', 'look 3'])
  assert.equal(eventsOf(await journalOf(on.store), 'intent').length, 1)
  assert.deepEqual(on.target.violations, [])
})

test('what the fresh look finds to be done is not asked for again', async () => {
  const on = await bed(once)
  const { performer, quoted } = ticketing(on, () => {
    on.target.facts.add('follow')
    return true
  })
  assert.equal((await execute(on, { performer })).status, 'completed')
  assert.deepEqual(quoted, ['look 1'])
})

test('a target that is never left alone fails the attempt, it does not hold the run up for ever', async () => {
  const on = await bed(once)
  const { performer, quoted } = ticketing(on, () => true)
  assert.equal((await execute(on, { performer })).status, 'rolled-back')
  assert.equal(quoted.length, 4)
})
