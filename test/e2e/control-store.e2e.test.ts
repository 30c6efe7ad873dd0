import assert from 'node:assert/strict'
import { copyFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { approvedPlan } from '../../src/lab/approved-plan.ts'
import { isProtected } from '../../src/lab/lab-adoption.ts'
import { asPerson } from '../../src/lab/lab-command.ts'
import { hostPaths } from '../../src/lab/lab-paths.ts'
import { isRunning, recordedProcesses, stopLabProcess } from '../../src/lab/lab-process.ts'
import { statusOf, untilStatus } from '../../src/lab/lab-status.ts'
import { labUp } from '../../src/lab/lab.ts'
import type { Lab } from '../../src/lab/lab.ts'

const storeName = 'control-store.sqlite'

describe('a control plane that lost its store', () => {
  let lab: Lab
  let directory: string
  before(async () => {
    lab = await labUp({ progress: (line) => console.log(line), network: 'namespaces' })
    directory = hostPaths(lab.state.directory, 'ctl').state
  })
  after(async () => await lab.down())

  const files = (prefix: string): readonly string[] =>
    readdirSync(directory).filter((name) => name.startsWith(prefix))

  async function stopServe(): Promise<void> {
    const serving = recordedProcesses(lab.state).filter((one) => one.name === 'ctl-serve' && isRunning(one))
    assert.equal(serving.length, 1)
    for (const one of serving) await stopLabProcess(one, 5_000)
  }

  async function run(procedure: string) {
    const hash = await approvedPlan(lab, [procedure], 'a test')
    return await asPerson(lab.state, lab.network, 'operator', ['run', procedure, '--approve', hash])
  }

  it('decides nothing from an old copy: an agent that has seen a later epoch gives it away', async () => {
    await stopServe()
    for (const name of files(storeName)) copyFileSync(join(directory, name), join(directory, `old-${name}`))
    await lab.restart('ctl')
    await untilStatus(lab.state, 'all is well', isProtected)
    const switched = await run('switchover')
    assert.equal(switched.code, 0, switched.stderr)
    await stopServe()
    for (const name of files(storeName)) rmSync(join(directory, name))
    for (const name of files('old-')) copyFileSync(join(directory, name), join(directory, name.slice(4)))
    await lab.restart('ctl')
    const { clusters } = await untilStatus(lab.state, 'the copy is found out', (status) =>
      status.clusters.some(({ automatic }) => /an agent has seen 2: a person decides/.test(automatic)),
    )
    assert.equal(clusters[0]?.openRun, '')
    const refused = await run('zone-failover')
    assert.equal(refused.code, 3)
    assert.match(refused.stderr, /CONTROL_STORE_BEHIND/)
    // Long enough for detection, for an automatic run and for every agent's fence.
    await sleep(10_000)
    const leader = (await statusOf(lab.state)).facts.clusters[0]?.members.filter(
      ({ role }) => role === 'primary',
    )
    assert.equal(leader?.length, 1, 'the primary goes on meanwhile, and it is one')
  })

  it('adopts with an empty store what still runs, above every epoch that agents have seen, and stops nothing', async () => {
    await stopServe()
    for (const name of files(storeName)) rmSync(join(directory, name))
    await lab.restart('ctl')
    await untilStatus(lab.state, 'every member is seen', ({ facts }) =>
      facts.clusters.every(({ members }) => members.every(({ reachable }) => reachable)),
    )
    const adopted = await run('adoption')
    assert.equal(adopted.code, 0, adopted.stderr)
    for (const step of ['start', 'promote', 'set-sync', 'route-ledger-gate-client'])
      assert.match(adopted.stdout, new RegExp(`was so +${step}`), `${step} changed nothing`)
    const { clusters } = await untilStatus(lab.state, 'all is well', isProtected)
    assert.ok((clusters[0]?.epoch ?? 0) >= 3)
  })
})
