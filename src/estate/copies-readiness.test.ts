import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { copiesReadiness } from './copies-readiness.ts'
import { clusterNamed } from './estate-lookup.ts'
import { parseEstate } from './parse-estate.ts'
import { smallEstateText } from './small-estate.ts'
import type { KnownCopies } from './verdict.ts'

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
})
