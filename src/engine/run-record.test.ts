import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import { chainStart, createRecord, verifyJournal } from './run-record.ts'
import type { RunEvent, RunRecord } from './run-event.ts'

const run = 'run_abcdef'
const events: readonly RunEvent[] = [
  { type: 'took-over', executor: 'x', scope: 'estate', epoch: 1 },
  {
    type: 'intent',
    step: 'fence',
    attempt: 1,
    kind: 'apply',
    on: 'host',
    args: { text: 'tab\tand \u001f and é and "quotes"' },
  },
  {
    type: 'outcome',
    step: 'fence',
    attempt: 1,
    result: 'done',
    proof: { lsn: '16/B374D848' },
    output: {},
    elapsedMs: 12,
  },
  { type: 'paused', by: 'prn_abcdef' },
  { type: 'finished', status: 'completed', missing: [] },
]

function journal(): readonly RunRecord[] {
  const records: RunRecord[] = []
  for (const [seq, event] of events.entries()) {
    const prev = records.at(-1)?.hash ?? chainStart
    records.push(createRecord({ run, seq, prev, atMs: 1_700_000_000_000 + seq, writer: 'x', event }))
  }
  return records
}

const records = journal()
const texts = records.map((record) => canonicalJson(record as unknown as Json))
const head = canonicalJson({ seq: 4, hash: records[4]?.hash ?? '', status: 'completed' })

test('an intact journal is believed, with its records', () => {
  const verdict = verifyJournal(run, texts, head)
  assert.deepEqual(verdict, { intact: true, records: JSON.parse(`[${texts.join()}]`) as unknown })
})

test('every flip of a bit, anywhere in a stored journal, is found and the record named', () => {
  for (const [seq, text] of texts.entries()) {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length * 8; at += 1) {
      const flipped = Buffer.from(bytes)
      flipped[at >> 3] = (flipped[at >> 3] as number) ^ (1 << (at & 7))
      const verdict = verifyJournal(run, texts.with(seq, flipped.toString('utf8')), head)
      assert.ok(!verdict.intact && verdict.seq === seq, `record ${seq} bit ${at}: ${JSON.stringify(verdict)}`)
    }
  }
})

test('hundreds of random changes of several bytes are found', () => {
  let state = 42
  const next = (bound: number): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) % bound
  for (let n = 0; n < 600; n += 1) {
    const seq = next(texts.length)
    const bytes = Buffer.from(texts[seq] as string)
    const before = Buffer.from(bytes)
    for (let count = 1 + next(5); count > 0; count -= 1) bytes[next(bytes.length)] = next(256)
    if (bytes.equals(before)) continue
    const verdict = verifyJournal(run, texts.with(seq, bytes.toString('utf8')), head)
    assert.ok(!verdict.intact && verdict.seq === seq)
  }
})

function reasonFor(changed: readonly string[], headText = head): string {
  const verdict = verifyJournal(run, changed, headText)
  return verdict.intact ? 'intact' : `${verdict.seq} ${verdict.reason}`
}

test('a record that is missing, repeated, or out of place is named', () => {
  assert.equal(reasonFor(texts.toSpliced(1, 1)), '1 seq')
  assert.equal(reasonFor(texts.toSpliced(1, 0, texts[1] as string)), '2 seq')
  assert.equal(reasonFor([texts[0], texts[2], texts[1], ...texts.slice(3)] as string[]), '1 seq')
})

test('a cut tail is told from an end by the head', () => {
  assert.equal(reasonFor(texts.slice(0, 3)), '3 truncated')
  assert.equal(verifyJournal(run, texts.slice(0, 3)).intact, true)
})

test('a record that was made anew with a fitting hash breaks the chain behind it', () => {
  const record = records[2] as RunRecord
  const { hash: _, format: __, ...fields } = record
  const forged = createRecord({ ...fields, writer: 'somebody' })
  assert.equal(reasonFor(texts.with(2, canonicalJson(forged as unknown as Json))), '3 prev')
})

test('a whole tail that was made anew does not fit the head', () => {
  const { hash: _, format: __, ...fields } = records[4] as RunRecord
  const forged = createRecord({ ...fields, writer: 'somebody' })
  assert.equal(reasonFor(texts.with(4, canonicalJson(forged as unknown as Json))), '4 head')
})

test('a record of another run is not taken for one of this', () => {
  assert.equal(verifyJournal('run_other0', texts, head).intact, false)
})

test('an unknown format is refused, not guessed at', () => {
  const { hash: _, ...content } = records[0] as RunRecord
  const newer = { ...content, format: 'pointzero/run-journal/2' }
  assert.equal(reasonFor([canonicalJson({ ...newer, hash: 'x' } as unknown as Json)]), '0 format')
})

test('a head that is no head is named', () => {
  assert.equal(reasonFor(texts, '{}'), '4 head')
  assert.equal(reasonFor(texts, 'nonsense'), '4 head')
})
