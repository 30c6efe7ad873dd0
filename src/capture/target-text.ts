import { instantMicroseconds } from '../domain/instant.ts'
import { isLsn, parseLsn } from '../domain/lsn.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { RecoveryTarget } from './resolve-target.ts'

/** A target as people write it: `time:<ISO 8601 with zone>`, `xid:<n>`, `lsn:<X/Y>`, `name:<text>` or `end`. TARGET_INVALID otherwise. */
export function parseTarget(text: string): RecoveryTarget {
  if (text === 'end') return { kind: 'end' }
  const [, kind, value = ''] = /^(time|xid|lsn|name):(.+)$/s.exec(text) ?? []
  switch (kind) {
    case 'time':
      return { kind, microseconds: instantOf(value) }
    case 'xid':
      if (/^\d{1,10}$/.test(value)) return { kind, xid: Number(value) }
      throw invalid(`${value} is no transaction id`)
    case 'lsn':
      if (isLsn(value)) return { kind, lsn: parseLsn(value) }
      throw invalid(`${value} is no LSN`)
    case 'name':
      return { kind, name: value }
    default:
      throw invalid(`${JSON.stringify(text.slice(0, 100))} is no target`)
  }
}

function instantOf(text: string): number {
  try {
    return instantMicroseconds(text)
  } catch (cause) {
    throw invalid(`${text} is no instant: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}

function invalid(message: string): RecoveryError {
  return new RecoveryError({
    code: 'TARGET_INVALID',
    class: 'invalid-estate',
    message,
    hint: 'write time:2026-11-21T14:03:07.412Z, xid:4711 (just before it), lsn:16/B374D848, name:before-release or end',
  })
}
