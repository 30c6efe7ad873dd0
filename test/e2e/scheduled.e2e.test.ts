import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { inject } from '../../src/lab/faults/fault.ts'
import { personContext, productProgram } from '../../src/lab/lab-paths.ts'
import { benchUp, until } from './support/bench.ts'
import type { Bench } from './support/bench.ts'
import { runsOf, showRun, takeOversOf } from './support/estate-view.ts'
import type { ListedRun, ShownRun } from './support/estate-view.ts'

/** Long enough for a backup and a restore test of a small ledger to end in between. */
const schedule = { backup: 'PT12S', verification: 'PT25S' }

describe('what the estate declares happens by itself', () => {
  let bench: Bench
  before(async () => (bench = await benchUp(undefined, true, schedule)))
  afterEach((t) => {
    if (!t.passed) bench.failed()
  })
  after(async () => await bench.down())

  async function runs(procedure: string, status = /^completed$/): Promise<readonly ListedRun[]> {
    return (await runsOf(bench)).filter((run) => run.procedure === procedure && status.test(run.status))
  }

  async function completed(procedure: string): Promise<ShownRun> {
    const found = await until(`a ${procedure} is completed`, async () => (await runs(procedure)).at(-1))
    return await showRun(bench, found.run)
  }

  async function snapshots() {
    const { hosts } = await bench.operator.status()
    return hosts.find(({ host }) => host === 'vlt')?.view?.copies?.[0]?.snapshots ?? []
  }

  function assertDeclared({ records }: ShownRun, declaration: string): void {
    const [first] = records
    assert.ok(first?.event.type === 'opened')
    assert.match(first.event.requestedBy, /^prn_/)
    assert.deepEqual(first.event.approvals, [])
    assert.equal(first.event.declared?.declaration, declaration)
    assert.match(first.event.declared?.digest ?? '', /^[0-9a-f]{64}$/)
  }

  it('a backup, and a restore test of it with a signed receipt; nobody asked for either and nobody approved', async () => {
    assertDeclared(await completed('backup'), 'components.ledger.protection.backups.full')
    const tested = await completed('backup-verification')
    assertDeclared(tested, 'components.ledger.protection.verification')
    const receipts = await until('the receipt is known', async () => {
      const found = (await snapshots()).flatMap(({ restorations }) => restorations)
      return found.length > 0 ? found : undefined
    })
    assert.ok(receipts.some(({ run }) => run === tested.run))
    const stdout = await until('status shows both', async () => {
      const { stdout: text } = await bench.pointzero('operator', 'status')
      const isShown = /^ledger +backup +PT12S +\d{4}-/m.test(text)
      return isShown && /^ledger +backup-verification +PT25S +\d{4}-/m.test(text) ? text : undefined
    })
    assert.doesNotMatch(stdout, /overdue/)
    const file = join(bench.lab.state.directory, 'declared.json')
    await bench.json('operator', 'evidence', 'collect', tested.run, '--out', file)
    const keys = personContext(bench.lab.state.directory, 'operator')
    const judge = [productProgram, 'evidence', 'verify', file, '--keys', keys, '--json']
    const judged = await bench.startProgram(judge).ended
    assert.equal(judged.code, 0, judged.stdout)
  })

  it('the next ones, not before their time, through the end of the control plane in the middle of a restore test', async () => {
    const { network, state } = bench.lab
    const { run: under } = await until('a restore test is under way', async () =>
      (await runs('backup-verification', /^open$/)).at(-1),
    )
    await inject('kill-zone', { network, directory: state.directory, host: 'ctl' })
    await bench.lab.restart('ctl')
    await until('it is completed', async () =>
      (await runs('backup-verification')).some(({ run }) => run === under),
    )
    assert.ok(takeOversOf(await showRun(bench, under)) >= 2, 'another process went on with it')
    const receipts = await until('its receipt is known', async () => {
      const found = (await snapshots()).flatMap(({ restorations }) => restorations)
      return found.some(({ run }) => run === under) ? found : undefined
    })
    assert.equal(receipts.filter(({ run }) => run === under).length, 1)
    const before = (await runs('backup')).length
    const after = await until('the next backup', async () => {
      const all = await runs('backup')
      return all.length > before ? all : undefined
    })
    const times = after.map(({ openedAtMs }) => openedAtMs).toSorted((left, right) => left - right)
    for (const [index, atMs] of times.entries())
      assert.ok(index === 0 || atMs - (times[index - 1] ?? 0) >= 12_000, times.join())
    await until(
      'one snapshot for each',
      async () => (await snapshots()).length === (await runs('backup')).length,
    )
  })
})
