import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLsn } from '../domain/lsn.ts'
import { joinBytes } from './postgres-message.ts'
import { decodeReplicationMessage, encodeStandbyStatus } from './replication-message.ts'

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
// 2026-01-01T00:00:00Z, 26 years after PostgreSQL's own epoch.
const stamp = '0002 ea47 0ae8 6000'
const stampMicroseconds = 1_767_225_600_000_000n

test('decodes WAL and keepalives as they are on the wire', () => {
  const wal = joinBytes([bytes(`77 00000016 b374d848 00000016 b3750000 ${stamp}`), bytes('0102')])
  assert.deepEqual(decodeReplicationMessage(wal), {
    kind: 'wal',
    start: parseLsn('16/B374D848'),
    serverEnd: parseLsn('16/B3750000'),
    sentAtMicroseconds: stampMicroseconds,
    bytes: bytes('0102'),
  })
  assert.deepEqual(decodeReplicationMessage(bytes(`6b 00000016 b3750000 ${stamp} 01`)), {
    kind: 'keepalive',
    serverEnd: parseLsn('16/B3750000'),
    sentAtMicroseconds: stampMicroseconds,
    replyRequested: true,
  })
})

test('refuses truncated and unknown messages', () => {
  for (const hex of ['', '77', '77 00000016 b374d848', `6b 00000016 b3750000 ${stamp}`, '7a 00']) {
    assert.throws(() => decodeReplicationMessage(bytes(hex)), { code: 'PG_PROTOCOL_VIOLATION' })
  }
})

test('encodes a status with the flushed position in its own place', () => {
  const status = encodeStandbyStatus({
    written: parseLsn('1/3'),
    flushed: parseLsn('1/2'),
    applied: parseLsn('1/1'),
    atMicroseconds: stampMicroseconds,
    replyRequested: true,
  })
  const expected = bytes(`72 00000001 00000003 00000001 00000002 00000001 00000001 ${stamp} 01`)
  assert.deepEqual(status, expected)
})
