import { lsnFromBigint, lsnToBigint } from '../domain/lsn.ts'
import type { Lsn } from '../domain/lsn.ts'
import { ByteReader } from './byte-reader.ts'
import { protocolViolation } from './protocol-violation.ts'

/** WAL from `start` on. The bytes are a view of the message and are as good as that. */
export interface WalData {
  readonly kind: 'wal'
  readonly start: Lsn
  /** How far the server's WAL reached when it sent this. */
  readonly serverEnd: Lsn
  /** The server's clock when it sent this, microseconds since 1970. */
  readonly sentAtMicroseconds: bigint
  readonly bytes: Uint8Array
}

export interface PrimaryKeepalive {
  readonly kind: 'keepalive'
  readonly serverEnd: Lsn
  readonly sentAtMicroseconds: bigint
  /** Answer with a status at once, or the server ends the stream. */
  readonly replyRequested: boolean
}

export type ReplicationMessage = WalData | PrimaryKeepalive

/** What this side has. Only `flushed` counts for synchronous replication: never say more than what survives a power cut. */
export interface StandbyStatus {
  readonly written: Lsn
  readonly flushed: Lsn
  readonly applied: Lsn
  /** This side's clock, microseconds since 1970. */
  readonly atMicroseconds: bigint
  readonly replyRequested: boolean
}

/** 2000-01-01T00:00:00Z, where PostgreSQL counts from. */
const postgresEpochMicroseconds = 946_684_800_000_000n

export function decodeReplicationMessage(payload: Uint8Array): ReplicationMessage {
  const reader = new ByteReader(payload)
  const type = String.fromCharCode(reader.uint8())
  switch (type) {
    case 'w':
      return {
        kind: 'wal',
        start: lsnFromBigint(reader.uint64()),
        serverEnd: lsnFromBigint(reader.uint64()),
        sentAtMicroseconds: reader.int64() + postgresEpochMicroseconds,
        bytes: reader.rest(),
      }
    case 'k':
      return {
        kind: 'keepalive',
        serverEnd: lsnFromBigint(reader.uint64()),
        sentAtMicroseconds: reader.int64() + postgresEpochMicroseconds,
        replyRequested: reader.uint8() === 1,
      }
    default:
      throw protocolViolation(`unknown replication message ${JSON.stringify(type)}`)
  }
}

export function encodeStandbyStatus(status: StandbyStatus): Uint8Array {
  const bytes = new Uint8Array(34)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, 'r'.charCodeAt(0))
  view.setBigUint64(1, lsnToBigint(status.written))
  view.setBigUint64(9, lsnToBigint(status.flushed))
  view.setBigUint64(17, lsnToBigint(status.applied))
  view.setBigInt64(25, status.atMicroseconds - postgresEpochMicroseconds)
  view.setUint8(33, status.replyRequested ? 1 : 0)
  return bytes
}
