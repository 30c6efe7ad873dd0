import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Plan, Step, StepEffect } from '../domain/plan.ts'
import { decide } from './decide.ts'
import type { RunRequest } from './decide.ts'
import type { RunEvent } from './run-event.ts'
import { evolve } from './run-state.ts'
import type { RunState } from './run-state.ts'

const effects: readonly StepEffect[] = ['none', 'reversible', 'reversible', 'point-of-no-return']

function stepAt(
  index: number,
  choice: { after: readonly number[]; effect: number; optional: boolean; quorum: boolean },
): Step {
  const after = [...new Set(choice.after.filter((before) => before < index))].map((before) => `s${before}`)
  const effect = effects[choice.effect] as StepEffect
  return {
    id: `s${index}`,
    action: 'a.b',
    actionVersion: 1,
    args: {},
    on: 'host',
    after,
    ...(choice.quorum && after.length > 1 ? { quorum: 1 } : {}),
    ...(choice.optional ? { optional: true } : {}),
    proves: '',
    effect,
    timeoutMs: 1,
    retry: { attempts: 2, waitMs: 1 },
    ...(effect === 'reversible' ? { compensation: { action: 'a.c', actionVersion: 1, args: {} } } : {}),
    phase: 'execute',
  }
}

const plans = fc
  .array(
    fc.record({
      after: fc.array(fc.nat(6), { maxLength: 3 }),
      effect: fc.nat(3),
      optional: fc.boolean(),
      quorum: fc.boolean(),
    }),
    { minLength: 1, maxLength: 7 },
  )
  .map((choices): Plan => ({
    format: 'pointzero/plan/1',
    procedure: 'p',
    procedureVersion: 1,
    productVersion: '0',
    estate: 'est_abcdef',
    estateDigest: '',
    factsDigest: '',
    scenario: 'none',
    parameters: {},
    scope: 'estate',
    mode: 'real',
    steps: choices.map((choice, index) => stepAt(index, choice)),
  }))

const fates = fc.array(fc.nat(30), { minLength: 0, maxLength: 60 })

/** Plays a run to its end: each number decides what becomes of the next request. Returns the journal and the requests at each event. */
function play(
  plan: Plan,
  script: readonly number[],
): { events: RunEvent[]; last: RunState; order: string[] } {
  const events: RunEvent[] = [
    { type: 'opened', plan, planHash: '', requestedBy: 'prn_a', approvals: [] },
    { type: 'took-over', executor: 'x', scope: 'estate', epoch: 1 },
  ]
  let state = events.reduce<RunState | undefined>(
    (before, event) => evolve(before, event),
    undefined,
  ) as RunState
  const add = (event: RunEvent): void => {
    events.push(event)
    state = evolve(state, event)
  }
  const order: string[] = []
  for (let turn = 0; state.finished === undefined; turn += 1) {
    assert.ok(turn < 500, 'it ends')
    const fate = script[turn] ?? 5
    if (fate === 30 && turn < 20) add({ type: 'cancel-requested', by: 'prn_a' })
    const requests = decide(state, new Set())
    const request = requests[fate % requests.length] as RunRequest
    if (request.type === 'finish') add({ ...request, type: 'finished' })
    else if (request.type === 'raise-epoch')
      add({ type: 'took-over', executor: 'x', scope: 'estate', epoch: state.epoch + 1 })
    else {
      assert.equal(request.type, 'run-step')
      const { step, attempt, kind } = request
      if (step.effect !== 'none') add({ type: 'intent', step: step.id, attempt, kind, on: 'host', args: {} })
      order.push(`${kind} ${step.id}`)
      // Died: no outcome.
      if (fate === 29) continue
      const base = { type: 'outcome', step: step.id, attempt, kind, elapsedMs: 1 } as const
      const errorClass = ({ 1: 'transient', 2: 'permanent', 3: 'refused', 4: 'unknown-outcome' } as const)[
        fate
      ]
      if (errorClass !== undefined)
        add({ ...base, result: 'failed', error: { code: 'X', class: errorClass, message: '', hint: '' } })
      else add({ ...base, result: kind === 'apply' ? 'done' : 'compensated', proof: {}, output: {} })
    }
  }
  return { events, last: state, order }
}

test('the same journal prefix gives the same decision, whoever reads it', () => {
  fc.assert(
    fc.property(plans, fates, (plan, script) => {
      const { events } = play(plan, script)
      for (let length = 1; length <= events.length; length += 1) {
        const read = (text: string): string => {
          const prefix = JSON.parse(text) as RunEvent[]
          const state = prefix.reduce<RunState | undefined>(
            (before, event) => evolve(before, event),
            undefined,
          )
          return JSON.stringify(decide(state as RunState, new Set()))
        }
        const text = JSON.stringify(events.slice(0, length))
        assert.equal(read(text), read(text))
      }
    }),
    { numRuns: 60 },
  )
})

test('every run ends, whatever fails', () => {
  fc.assert(
    fc.property(plans, fates, (plan, script) => play(plan, script).last.finished !== undefined),
    { numRuns: 300 },
  )
})

test('no step starts before what it needs is done', () => {
  fc.assert(
    fc.property(plans, fates, (plan, script) => {
      const { events } = play(plan, script)
      const done = new Set<string>()
      for (const event of events) {
        if (event.type === 'outcome' && event.result === 'done') done.add(event.step)
        if (event.type !== 'intent' || event.kind !== 'apply') continue
        const { after, quorum } = plan.steps.find(({ id }) => id === event.step) as Step
        assert.ok(after.filter((id) => done.has(id)).length >= (quorum ?? after.length))
      }
    }),
    { numRuns: 200 },
  )
})

test('nothing is undone once a point of no return was meant, and undoing is in reverse order', () => {
  fc.assert(
    fc.property(plans, fates, (plan, script) => {
      const { events, order, last } = play(plan, script)
      const undone = order.filter((line) => line.startsWith('compensate')).map((line) => line.split(' ')[1])
      const passed = events.some(
        (event) =>
          event.type === 'intent' &&
          plan.steps.some(({ id, effect }) => id === event.step && effect === 'point-of-no-return'),
      )
      if (passed) assert.deepEqual(undone, [])
      const firsts = [...new Set(undone)]
      const applied = order.filter((line) => line.startsWith('apply')).map((line) => line.split(' ')[1])
      const positions = firsts.map((id) => applied.lastIndexOf(id))
      assert.deepEqual(
        positions,
        positions.toSorted((a, b) => b - a),
      )
      if (last.finished?.status === 'rolled-back') {
        const touched = plan.steps.filter(
          ({ id, compensation }) => compensation !== undefined && applied.includes(id),
        )
        assert.deepEqual(new Set(firsts), new Set(touched.map(({ id }) => id)))
      }
    }),
    { numRuns: 300 },
  )
})

test('status words tell the truth: completed names nothing missing, everything else that is not done is named', () => {
  fc.assert(
    fc.property(plans, fates, (plan, script) => {
      const { last } = play(plan, script)
      const { status, missing } = last.finished as NonNullable<RunState['finished']>
      const undone = plan.steps.filter(({ id }) => last.steps.get(id)?.phase !== 'done').map(({ id }) => id)
      if (status === 'completed') assert.deepEqual(undone, [])
      if (status === 'completed-with-gaps') {
        assert.ok(missing.length > 0)
        assert.deepEqual(
          missing.map(({ step }) => step),
          undone,
        )
      }
      if (status === 'failed' || status === 'refused') assert.ok(missing.length > 0)
      assert.ok(missing.every(({ reason }) => reason !== ''))
    }),
    { numRuns: 300 },
  )
})
