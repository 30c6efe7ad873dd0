import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bed, execute, failover, journalOf, run } from '../../test/support/executor-bed.ts'
import { executesPlansOf, productVersion } from '../domain/product-version.ts'
import { requireExecutable } from './executable-plan.ts'

const versions = new Map([['zone-failover', 1]])

test('a plan of this release is executed', () => {
  requireExecutable(run, { ...failover, productVersion }, versions)
})

test('a plan of another release is refused, with the command to run next', () => {
  for (const other of ['0.0.9', '0.1.1', '9.0.0', ''])
    assert.throws(() => requireExecutable(run, { ...failover, productVersion: other }, versions), {
      code: 'PLAN_OF_ANOTHER_RELEASE',
      class: 'refused',
      hint: new RegExp(`pointzero resume ${run}`),
    })
})

test('a plan of a release that is declared compatible is executed', () => {
  assert.equal(executesPlansOf('0.1.9', '0.2.0', { '0.2.0': ['0.1.9'] }), true)
  assert.equal(executesPlansOf('0.1.8', '0.2.0', { '0.2.0': ['0.1.9'] }), false)
  // Declared in one direction only: an older release knows nothing of a newer one.
  assert.equal(executesPlansOf('0.2.0', '0.1.9', { '0.2.0': ['0.1.9'] }), false)
})

test('a plan of a procedure that means something else here, or that there is none of, is refused', () => {
  for (const changed of [{ procedureVersion: 2 }, { procedure: 'zone-dance' }])
    assert.throws(() => requireExecutable(run, { ...failover, productVersion, ...changed }, versions), {
      code: 'PLAN_OF_ANOTHER_RELEASE',
      message: /zone-/,
    })
})

test('resuming a run of another release writes nothing: its epoch and journal stay as they are', async () => {
  const on = await bed({ ...failover, productVersion: '0.0.9' })
  const before = await journalOf(on.store)
  await assert.rejects(execute(on), { code: 'PLAN_OF_ANOTHER_RELEASE' })
  assert.deepEqual(await journalOf(on.store), before)
  assert.deepEqual(on.target.effects, [])
})
