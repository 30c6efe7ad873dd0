import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parseEstate } from './parse-estate.ts'
import { edited, smallEstateText } from './small-estate.ts'
import { timetable } from './timetable.ts'
import type { Timetable } from './timetable.ts'

const kept = smallEstateText.replace('vault: { kind: file,', 'vault: { kind: file, host: witness,')
const monthly = /schedules:\n {2}monthly:\n(?: {4}.*\n)*/

function of(text: string): Timetable {
  return timetable(parseEstate(text, 'estate.yaml'))
}

function shown({ entries, notExecuted }: Timetable): readonly string[] {
  return [
    ...entries.map(
      ({ declaration, component, procedure, start }) =>
        `${declaration} of ${component}: ${procedure}, ${start}`,
    ),
    ...notExecuted.map(({ declaration, why }) => `${declaration}: ${why}`),
  ]
}

function scheduled(lines: string): readonly string[] {
  const schedule = `schedules:\n  test:\n    every: week\n    timeZone: UTC\n    ${lines}\n`
  return shown(of(kept.replace(monthly, schedule))).filter((line) => line.startsWith('schedules.'))
}

describe('what is declared to happen at a time', () => {
  it('is a full backup into the vault that a host keeps; a copy and a drill are said not to be executed', () => {
    assert.deepEqual(shown(of(kept)), [
      'components.ledger.protection.backups.weekly of cmp_ledger: backup, automatic',
      'components.ledger.protection.backups.copied: this version takes no backup of type copy',
      'schedules.monthly: this version starts no zone-failover by schedule',
    ])
  })

  it('is nothing where no host keeps the store', () => {
    const lines = shown(of(smallEstateText))
    assert.match(lines[0] ?? '', /backups\.weekly: no store that it names is kept by a host/)
    assert.equal(of(smallEstateText).entries.length, 0)
  })

  it('names the stores that a backup does not reach', () => {
    const both = kept
      .replace(/ {8}copied: .*\n/, '')
      .replace('every: week, stores: [vault]', 'every: week, stores: [vault, far]')
    assert.ok(
      shown(of(both)).includes(
        'components.ledger.protection.backups.weekly: not into far: no agent of its vault keeps that',
      ),
    )
    assert.equal(of(both).entries.length, 1)
  })

  it('is left to a person who said manual', () => {
    const manual = kept.replace('every: week,', 'every: week, start: manual,')
    assert.equal(of(manual).entries[0]?.start, 'manual')
  })

  it('is a schedule of backup or restore test of every database that has a vault', () => {
    assert.deepEqual(scheduled('procedure: backup-verification'), [
      'schedules.test of cmp_ledger: backup-verification, automatic',
    ])
    assert.deepEqual(scheduled('procedure: backup-verification\n    mode: sandbox'), [
      'schedules.test of cmp_ledger: backup-verification, automatic',
    ])
    const estate = kept.replace(
      monthly,
      'schedules:\n  test: { procedure: backup, every: day, timeZone: UTC }\n',
    )
    assert.equal(of(estate).entries[0]?.start, 'schedule')
  })

  it('is no other procedure, no live drill, and nothing behind a condition that nobody can answer', () => {
    for (const procedure of [
      'zone-failover',
      'point-in-time-recovery',
      'component-restore',
      'reprotect',
      'maintenance',
    ])
      assert.deepEqual(scheduled(`procedure: ${procedure}`), [
        `schedules.test: this version starts no ${procedure} by schedule`,
      ])
    assert.match(
      scheduled('procedure: backup\n    mode: sandbox\n    scenario: corruption').join(),
      /starts no sandbox drill/,
    )
    for (const condition of ['change-freeze', 'component-not-green'])
      assert.match(
        scheduled(`procedure: backup\n    blockedBy: [open-run, ${condition}]`).join(),
        /always counts as blocked/,
      )
  })

  it('of the examples is said completely: executed, or not and why', () => {
    for (const example of ['exchange', 'point-zero-one']) {
      const file = new URL(`../../examples/${example}/estate.yaml`, import.meta.url)
      const estate = parseEstate(readFileSync(file, 'utf8'), 'estate.yaml')
      const { entries, notExecuted } = timetable(estate)
      const said = new Set([...entries, ...notExecuted].map(({ declaration }) => declaration))
      for (const { name } of estate.schedules) assert.ok(said.has(`schedules.${name}`), name)
      for (const { name, protection } of estate.components)
        for (const backup of protection?.backups ?? [])
          assert.ok(said.has(`components.${name}.protection.backups.${backup.name}`), backup.name)
    }
  })

  it('refuses a start that is none', () => {
    const { text } = edited('every: week,', 'every: week, start: sometimes,')
    assert.throws(() => parseEstate(text, 'estate.yaml'), { code: 'ESTATE_INVALID' })
  })
})
