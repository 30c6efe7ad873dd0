import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { captureState, heard, initialFacts, read } from './capture-state.ts'
import type { CaptureFacts } from './capture-state.ts'

const hasSlot = true

function progressed(facts: CaptureFacts, flushed: number, serverEnd: number, atMs: number): CaptureFacts {
  return heard(
    facts,
    {
      kind: 'progress',
      timeline: 1,
      flushed,
      written: flushed,
      serverEnd,
      serverTimeMicroseconds: atMs * 1000,
    },
    atMs,
  )
}

function exposed(facts: CaptureFacts, nowMs: number): number | null {
  return captureState(facts, { hasSlot, nowMs }).exposedMs
}

describe('what would be lost now, in time', () => {
  it('is not known before anything was received', () => {
    assert.equal(exposed(initialFacts(1000), 5000), null)
  })

  it('counts from the last moment at which everything of the primary was durable here', () => {
    const held = progressed(initialFacts(0), 500, 500, 1000)
    assert.equal(exposed(held, 1250), 250)
    const behind = progressed(held, 600, 900, 2000)
    assert.equal(exposed(behind, 2500), 1500)
  })

  it('advances while writes never pause: what was there at an earlier look is held at a later one', () => {
    let facts = progressed(initialFacts(0), 500, 500, 1000)
    for (let second = 2; second < 10; second += 1)
      facts = progressed(facts, second * 1000, second * 1000 + 900, second * 1000)
    assert.equal(exposed(facts, 9000), 1000)
  })

  it('believes the primary when it has more than the stream has told', () => {
    const held = progressed(initialFacts(0), 500, 500, 1000)
    const told = read(held, { atMs: 3000, walEnd: 800, waitsForApply: false })
    assert.equal(exposed(told, 4000), 3000)
    assert.equal(exposed(read(held, { atMs: 3000, walEnd: 500, waitsForApply: false }), 4000), 1000)
  })

  it('grows while nothing is received', () => {
    const held = progressed(initialFacts(0), 500, 500, 1000)
    const error = { code: 'X', class: 'transient', message: 'gone', hint: 'wait' } as const
    const facts = heard(held, { kind: 'interrupted', error }, 2000)
    const state = captureState(facts, { hasSlot, nowMs: 61_000 })
    assert.equal(state.exposedMs, 60_000)
    assert.equal(state.protection.kind, 'degraded')
  })
})
