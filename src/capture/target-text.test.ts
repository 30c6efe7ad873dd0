import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseTarget } from './target-text.ts'

describe('parseTarget', () => {
  it('reads every kind of target', () => {
    assert.deepEqual(parseTarget('end'), { kind: 'end' })
    assert.deepEqual(parseTarget('xid:4711'), { kind: 'xid', xid: 4711 })
    assert.deepEqual(parseTarget('lsn:0/3000148'), { kind: 'lsn', lsn: '0/3000148' })
    assert.deepEqual(parseTarget('name:before: the "release"\n'), {
      kind: 'name',
      name: 'before: the "release"\n',
    })
    const time = parseTarget('time:2026-11-21 14:03:07.412345+01:00')
    assert.deepEqual(time, { kind: 'time', microseconds: 1_795_266_187_412_345 })
  })

  it('refuses what could mean two things, and what means nothing', () => {
    for (const text of ['', 'now', 'time:2026-11-21T14:03:07', 'xid:-1', 'xid:', 'lsn:12', 'name:', 'END'])
      assert.throws(() => parseTarget(text), { code: 'TARGET_INVALID' }, text)
  })
})
