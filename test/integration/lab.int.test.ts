import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openFaultLog } from '../../src/lab/faults/fault-log.ts'
import { inject } from '../../src/lab/faults/fault.ts'
import { corruptDatabase } from '../../src/lab/faults/seeded-fault.ts'
import { isProtected } from '../../src/lab/lab-adoption.ts'
import { zoneHostNames } from '../../src/lab/lab-host.ts'
import { judgeLab } from '../../src/lab/lab-judgement.ts'
import { evidenceDirectory, hostPaths } from '../../src/lab/lab-paths.ts'
import { statusOf } from '../../src/lab/lab-status.ts'
import { startWorkload } from '../../src/lab/lab-workload.ts'
import { labStatus, labUp } from '../../src/lab/lab.ts'
import type { Lab } from '../../src/lab/lab.ts'
import { mustRun } from '../../src/lab/run-command.ts'

function sharedMemoryIds(lab: Lab): readonly string[] {
  return zoneHostNames.map((host) => {
    const lines = readFileSync(
      join(hostPaths(lab.state.directory, host).data, 'postmaster.pid'),
      'utf8',
    ).split('\n')
    return lines[6]?.trim().split(/\s+/)[1] ?? ''
  })
}

describe('the lab', () => {
  let lab: Lab
  before(async () => (lab = await labUp({ progress: (line) => console.log(line), network: 'namespaces' })))
  after(async () => await lab.down())

  it('is adopted and protected through the product, as a user would', async () => {
    assert.equal(isProtected(await statusOf(lab.state)), true)
    assert.ok(labStatus(lab.state.directory).processes.every(({ running }) => running))
  })

  it('carries a workload that the independent checker passes, while a standby is cut off', async () => {
    const stop = await startWorkload(lab, 7)
    await sleep(2_000)
    const log = openFaultLog(join(evidenceDirectory(lab.state.directory), 'faults.jsonl'))
    const place = { network: lab.network, directory: lab.state.directory, host: 'az3' as const }
    const { end } = await inject('cut-link', place)
    log.write({ event: 'began', fault: 'cut-link', target: 'az3', seed: 7 })
    await sleep(4_000)
    await end?.()
    await sleep(1_000)
    await stop()
    const judgement = await judgeLab(lab, 'az1', 300_000)
    assert.equal(judgement.verdict, 'passed', JSON.stringify(judgement.findings))
    assert.ok((judgement.figures.orders?.acknowledged ?? 0) > 100)
    // ANY 1 of two: the other standby acknowledges at once.
    assert.ok((judgement.figures.rawWrites?.longestGapMs ?? Infinity) < 3_000)
  })

  it('is corrupted by a program that tells nobody, and the checker names what nobody brought back', async () => {
    const log = join(evidenceDirectory(lab.state.directory), 'corruption.jsonl')
    const order = { kind: 'corrupt-delete', log, seed: 7, earliestMs: 0, latestMs: 10 } as const
    await corruptDatabase(lab, order, AbortSignal.timeout(30_000))
    const { verdict, figures } = await judgeLab(lab, 'az1', 300_000, log)
    assert.equal(verdict, 'failed')
    assert.equal(figures.corruption?.kind, 'corrupt-delete')
    assert.equal(figures.corruption.undoneWrites, 0)
    assert.ok(figures.lostWrites > 50, `${figures.lostWrites} lost`)
  })

  it('leaves no process, no namespace, no link, no shared memory and no file behind', async () => {
    const { directory, instance } = lab.state
    const pids = (
      await Promise.all(lab.state.hosts.map(async ({ name }) => await lab.network.pids(name)))
    ).flat()
    const segments = sharedMemoryIds(lab)
    assert.ok(pids.length > 10)
    await lab.down()
    assert.equal(existsSync(directory), false)
    const kernel = (await mustRun(['ip', 'link'])) + (await mustRun(['ip', 'netns', 'list']))
    assert.equal(kernel.includes(`pz${instance}`), false)
    // Killed they are; init takes a moment to collect the last of them.
    const left = (): readonly number[] => pids.filter((pid) => existsSync(`/proc/${pid}`))
    for (let waitedMs = 0; left().length > 0 && waitedMs < 10_000; waitedMs += 50) await sleep(50)
    assert.deepEqual(left(), [])
    const table = readFileSync('/proc/sysvipc/shm', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/)[1])
    assert.deepEqual(
      segments.filter((segment) => table.includes(segment)),
      [],
    )
  })
})
