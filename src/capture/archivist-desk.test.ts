import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ArchivistDesk } from './archivist-desk.ts'
import type { CaptureEvent } from './capture-event.ts'

const segment = (name: string): CaptureEvent => ({ kind: 'segment', name })

function archivists() {
  const opened: { readonly noted: CaptureEvent[]; closed: boolean }[] = []
  const gates: PromiseWithResolvers<boolean>[] = []
  const desk = new ArchivistDesk(async () => {
    const gate = Promise.withResolvers<boolean>()
    gates.push(gate)
    if (!(await gate.promise)) return undefined
    const archivist = { noted: [] as CaptureEvent[], closed: false }
    opened.push(archivist)
    return {
      newRelations: 0,
      note: (event: CaptureEvent) => void archivist.noted.push(event),
      settled: async () => undefined,
      close: async () => void (archivist.closed = true),
    }
  })
  return { desk, opened, gates }
}

test('events that come while an archivist is being opened do not open another: two would write one ledger', async () => {
  const { desk, opened, gates } = archivists()
  const first = desk.open()
  desk.note(segment('one'))
  desk.note(segment('two'))
  await Promise.resolve()
  gates[0]?.resolve(true)
  await first
  desk.note(segment('three'))
  await desk.settled()
  await desk.close()
  assert.equal(gates.length, 1)
  assert.deepEqual(opened, [{ noted: [segment('one'), segment('two'), segment('three')], closed: true }])
})

test('an archive that is not bound yet is tried again at the next event, and no event is lost', async () => {
  const { desk, opened, gates } = archivists()
  const first = desk.open()
  await Promise.resolve()
  gates[0]?.resolve(false)
  await first
  desk.note(segment('one'))
  await Promise.resolve()
  gates[1]?.resolve(true)
  await desk.settled()
  assert.deepEqual(opened[0]?.noted, [segment('one')])
})

test('one that can not be opened ends whoever waits for it', async () => {
  const desk = new ArchivistDesk(async () => {
    throw new Error('damaged')
  })
  desk.note(segment('one'))
  await assert.rejects(desk.settled(), /damaged/)
  await desk.close()
})
