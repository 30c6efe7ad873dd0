import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { copiesReadiness } from './copies-readiness.ts'
import { clusterNamed } from './estate-lookup.ts'
import { parseEstate } from './parse-estate.ts'
import { smallEstateText } from './small-estate.ts'
import type { KnownCopies, Overdue } from './verdict.ts'

const ledger = clusterNamed(parseEstate(smallEstateText, 'estate.yaml'), 'ledger')
const sound: KnownCopies = {
  component: ledger.id,
  host: 'vlt',
  isKnown: true,
  snapshots: 1,
  broken: [],
  brokenBefore: [],
  problems: [],
  exposedMs: 300,
}

function seen(change: Partial<KnownCopies>): string {
  const found = copiesReadiness(ledger, [{ ...sound, ...change }])
  return found === undefined ? 'nothing' : `${found.colour}: ${found.reason}`
}

describe('what the copies of a component say about its recovery', () => {
  it('is nothing when archive and vault are whole', () => {
    assert.equal(seen({}), 'nothing')
    assert.equal(copiesReadiness(ledger, undefined), undefined)
  })

  it('is red as soon as a segment is missing behind the newest base backup, and names it', () => {
    const broken = ['000000010000000000000003 is missing']
    assert.match(seen({ broken }), /^RED: archive gap on vlt: 000000010000000000000003 is missing/)
  })

  it('is red when the vault holds what can not be believed', () => {
    assert.match(seen({ problems: ['e/1: not signed'] }), /^RED: vault on vlt/)
  })

  it('is red when more could be lost than the estate allows', () => {
    assert.match(seen({ exposedMs: 11_000 }), /^RED: .*11 s; at most PT10S/)
  })

  it('is unknown, never green, while nobody has said how they are', () => {
    assert.match(seen({ isKnown: false, snapshots: 0 }), /^UNKNOWN/)
  })

  it('is a warning while there is no base backup, or only older states are out of reach', () => {
    assert.match(seen({ snapshots: 0 }), /^AMBER: there is no base backup/)
    assert.match(seen({ brokenBefore: ['x is missing'] }), /^AMBER: archive gap/)
    assert.match(seen({ degraded: 'gone' }), /^AMBER: vlt does not receive/)
  })

  it('is amber when a backup or a restore test is overdue, and says since when and why; red when a backup is so for long', () => {
    const said = (overdue: Omit<Overdue, 'component'>): string => {
      const found = copiesReadiness(ledger, [sound], [{ component: ledger.id, ...overdue }])
      return `${found?.colour}: ${found?.reason}`
    }
    const sinceMs = Temporal.Instant.from('2026-11-21T02:00:00Z').epochMilliseconds
    const late = { what: 'backup', sinceMs, isLong: false, why: 'run_1 failed' } as const
    assert.equal(said(late), 'AMBER: backup overdue since 2026-11-21T02:00:00Z: run_1 failed')
    assert.match(said({ ...late, isLong: true }), /^RED: backup overdue/)
    assert.match(said({ ...late, what: 'restore test', isLong: true }), /^AMBER: restore test overdue/)
    assert.match(said({ what: 'restore test', isLong: false }), /^AMBER: there never was a restore test/)
    assert.equal(copiesReadiness(ledger, [sound], [{ ...late, component: 'cmp_other1' }]), undefined)
  })
})
