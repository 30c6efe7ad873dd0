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

/** An effect that is made and never answered; a look needs some time, as over a network. */
function unanswering(on: Bed, look: () => Promise<void>): Performer {
  const inner = on.target.performer()
  return {
    ...inner,
    observe: async (request) => {
      if (request.timeoutMs < 100) throw unreachable(`only ${request.timeoutMs} ms to connect`)
      if (on.target.facts.has('follow')) await look()
      return await inner.observe(request)
    },
    apply: async (request) => {
      await inner.apply(request)
      return await new Promise<never>(() => undefined)
    },
  }
}

function unreachable(message: string): RecoveryError {
  return new RecoveryError({ code: 'NETWORK_UNREACHABLE', class: 'transient', message, hint: '' })
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

async function failures(on: Bed): Promise<readonly (string | undefined)[]> {
  return (await journalOf(on.store)).flatMap(({ event }) =>
    event.type === 'outcome' && event.result === 'failed' ? [event.error?.code] : [],
  )
}

for (const attempts of [1, 2]) {
  test(`an effect that uses up all the time is looked at all the same, with ${attempts} allowed`, async () => {
    const on = await bed(planOf(step('follow', [], { timeoutMs: 300, retry: { attempts, waitMs: 0 } })))
    const performer = unanswering(on, async () => undefined)
    assert.equal((await execute(on, { performer })).status, 'completed')
    assert.deepEqual(await failures(on), [])
  })
}

test('an effect without an answer is the news, not that it could not be looked at afterwards', async () => {
  const on = await bed(planOf(step('follow', [], { timeoutMs: 300, retry: { attempts: 2, waitMs: 0 } })))
  let looks = 0
  const performer = unanswering(on, async () => {
    looks += 1
    if (looks === 1) throw unreachable('no route')
  })
  assert.equal((await execute(on, { performer })).status, 'completed')
  assert.deepEqual(await failures(on), ['STEP_TIMEOUT'])
})
