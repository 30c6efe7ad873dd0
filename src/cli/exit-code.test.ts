import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { ErrorClass } from '../domain/recovery-error.ts'
import { exitCodeOf, exitCodeOfRun } from './exit-code.ts'

const failing = (code: string, errorClass: ErrorClass) =>
  exitCodeOf(new RecoveryError({ code, class: errorClass, message: '', hint: '' }))

test('every error class has its exit code', () => {
  const classes = ['transient', 'unknown-outcome', 'refused', 'permanent', 'invalid-estate', 'bug'] as const
  assert.deepEqual(
    classes.map((one) => failing('ANY_CODE', one)),
    [1, 1, 3, 1, 2, 1],
  )
})

test('waiting for a person and another executor at work are told apart from other refusals', () => {
  assert.equal(failing('APPROVAL_MISSING', 'refused'), 4)
  assert.equal(failing('RUN_OPEN', 'refused'), 5)
  assert.equal(failing('RUN_SUPERSEDED', 'refused'), 5)
})

test('what is no error of ours is a failure', () => {
  assert.equal(exitCodeOf(new TypeError('x')), 1)
  assert.equal(exitCodeOf('x'), 1)
})

test('a run that did not complete never exits 0', () => {
  const statuses = ['failed', 'refused', 'rolled-back', 'cancelled-after-point-of-no-return'] as const
  assert.ok(statuses.every((status) => exitCodeOfRun(status) !== 0))
  assert.equal(exitCodeOfRun('completed'), 0)
})
