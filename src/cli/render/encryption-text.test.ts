import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MemberObservation } from '../../ports/database-member.ts'
import type { ControlPlaneStatus } from '../../server/status-wire.ts'
import { encryptionText } from './encryption-text.ts'
import { paintFor } from './paint.ts'

const component = 'cmp_ledger'

function shown(observation: MemberObservation, of = component): string {
  const member = { component, member: 'mbr_one', observation, ageMs: 1, fenced: false } as const
  const view = { members: [member], probes: [], gates: [], instances: [], epochs: [] }
  const status = { hosts: [{ host: 'az1', view }] } as unknown as ControlPlaneStatus
  return encryptionText(status, of, paintFor({ hasColour: false }))
}

function standby(name: string, encrypted?: boolean) {
  const seen = { name, state: 'streaming', syncState: 'quorum' }
  return encrypted === undefined ? seen : { ...seen, encrypted }
}

test('replication in the clear is named with who receives it, and only then', () => {
  const standbys = [standby('az2', true), standby('az3', false), standby('capture', false)]
  assert.match(
    shown({ role: 'primary', standbys }),
    /^ {2}replication from az1 to az3, capture is not encrypted: give every member `tls`/,
  )
  assert.equal(shown({ role: 'primary', standbys }, 'cmp_other'), '')
  assert.equal(shown({ role: 'primary', standbys: [standby('az2', true), standby('az3')] }), '')
})

test('a certificate that is of no use is named with its host', () => {
  const certificate = { validUntilMs: 1, problem: 'its certificate expires in 3 days' }
  const text = shown({ role: 'standby', certificate })
  assert.equal(text, '  certificate on az1: its certificate expires in 3 days\n')
  assert.equal(shown({ role: 'standby', certificate: { validUntilMs: 1 } }), '')
})
