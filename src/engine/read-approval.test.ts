import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readApproval, readStandingApproval } from './read-approval.ts'

const approval = {
  format: 'pointzero/approval/1',
  estate: 'est_1',
  planHash: 'f',
  scope: 's',
  approver: 'prn_1',
  issuedAtMs: 1,
  expiresAtMs: 2,
  nonce: 'n',
  reason: '',
  signature: 'x',
}

test('reads what an approver wrote', () => {
  assert.deepEqual(readApproval(JSON.stringify(approval), 'here'), approval)
  const { planHash: _, reason: __, ...rest } = approval
  const standing = { ...rest, format: 'pointzero/standing-approval/1', procedure: 'p', policyDigest: 'd' }
  assert.deepEqual(readStandingApproval(JSON.stringify(standing), 'here'), standing)
})

for (const [what, text] of [
  ['no JSON', 'yes, of course'],
  ['nothing', ''],
  ['a list', '[]'],
  ['null', 'null'],
  ['a number as a signature', JSON.stringify({ ...approval, signature: 7 })],
  ['no expiry', JSON.stringify({ ...approval, expiresAtMs: undefined })],
  ['an expiry in words', JSON.stringify({ ...approval, expiresAtMs: 'tomorrow' })],
  ['a nonce that leads into other keys', JSON.stringify({ ...approval, nonce: '../open' })],
] as const) {
  test(`refuses ${what} by name, and says where it stands`, () => {
    assert.throws(() => readApproval(text, 'approvals/f/n'), {
      code: 'APPROVAL_UNREADABLE',
      class: 'refused',
      message: /approvals\/f\/n/,
    })
  })
}

test('one kind is not read as the other', () => {
  assert.throws(() => readStandingApproval(JSON.stringify(approval), 'here'), { code: 'FORMAT_UNKNOWN' })
})
