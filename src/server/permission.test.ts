import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Principal } from '../engine/approval.ts'
import { executorsAmong, requirePermission } from './permission.ts'

const principals: readonly Principal[] = [
  { id: 'prn_operator', name: 'Olga', publicKey: 'unused', roles: ['operator'] },
  { id: 'prn_approver', name: 'Anna', publicKey: 'unused', roles: ['approver'] },
  { id: 'prn_auditor', name: 'Aude', publicKey: 'unused', roles: ['auditor'] },
  { id: 'prn_control', name: 'plane', publicKey: 'unused', roles: ['control-plane'] },
]

const approval = { compare: [], put: [{ key: 'pz/est_abcdef/approvals/aa/bb', value: '{}' }] }
const journal = { compare: [], put: [{ key: 'pz/est_abcdef/runs/run_abcdef/head', value: '{}' }] }
const both = { compare: [], put: [...approval.put, ...journal.put] }

function allowed(subject: string, method: string, body = {}): boolean {
  try {
    requirePermission(principals, { subject }, method, body)
    return true
  } catch {
    return false
  }
}

test('every role and every kind of request: who may do what', () => {
  const rows = [
    ['control/status', {}, 'operator approver auditor control'],
    ['store/get', { key: 'x' }, 'operator approver auditor control'],
    ['control/open-run', {}, 'operator control'],
    ['store/transact', journal, 'operator control'],
    ['store/transact', approval, 'operator approver control'],
    ['store/transact', both, 'operator control'],
  ] as const
  for (const [method, body, who] of rows) {
    for (const name of ['operator', 'approver', 'auditor', 'control'])
      assert.equal(allowed(`prn_${name}`, method, body), who.split(' ').includes(name), `${name} ${method}`)
  }
})

test('a certificate of the estate whose subject is no principal opens nothing', () => {
  for (const subject of ['prn_stranger', 'hst_az1abc']) assert.equal(allowed(subject, 'store/get'), false)
})

test('agents obey operators and control planes only', () => {
  assert.deepEqual(executorsAmong(principals), ['prn_operator', 'prn_control'])
})
