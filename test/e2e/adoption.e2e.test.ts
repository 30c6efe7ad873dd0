import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { canonicalJson } from '../../src/domain/canonical-json.ts'
import type { Json } from '../../src/domain/canonical-json.ts'
import { signApproval } from '../../src/engine/approval-signature.ts'
import { clusterNamed, scopeOf } from '../../src/estate/estate-lookup.ts'
import { inject } from '../../src/lab/faults/fault.ts'
import { zoneHostNames } from '../../src/lab/lab-host.ts'
import type { ZoneHostName } from '../../src/lab/lab-host.ts'
import { benchUp, patientPolicy, until } from './support/bench.ts'
import type { Bench, Ended } from './support/bench.ts'
import { judge, startClients } from './support/clients.ts'
import { ask, clusterOf, leaderOf, runsOf, settled, showRun } from './support/estate-view.ts'
import { promotions } from './support/server-logs.ts'
import { putForeignDirectory } from './support/foreign-directory.ts'

describe('adoption of a ledger that nobody looks after yet', () => {
  let bench: Bench
  before(async () => {
    bench = await benchUp(patientPolicy, false)
    await everybodyReports()
  })
  afterEach((t) => {
    if (!t.passed) bench.failed()
  })
  after(async () => await bench.down())

  async function everybodyReports(): Promise<void> {
    await until('every agent reports', async () => {
      const { facts } = await bench.operator.status()
      const members = facts.clusters.flatMap((cluster) => cluster.members)
      return members.every(({ reachable, role }) => reachable && role !== 'unknown')
    })
  }

  async function killZone(host: ZoneHostName): Promise<void> {
    const { network, state } = bench.lab
    await inject('kill-zone', { network, directory: state.directory, host })
    await until(`${host} does not report`, async () => {
      const { facts } = await bench.operator.status()
      return facts.clusters[0]?.members.some((member) => member.host === host && !member.reachable)
    })
  }

  async function plan(...args: readonly string[]): Promise<string> {
    return (await bench.json<{ readonly hash: string }>('operator', 'plan', 'adoption', ...args)).hash
  }

  async function run(...args: readonly string[]): Promise<Ended> {
    return await bench.pointzero('operator', 'run', 'adoption', ...args, '--json')
  }

  /** What a client would do that does not care who may approve. */
  async function putOwnApproval(planHash: string): Promise<void> {
    const { store, keys, estate, context, signer } = bench.operator
    const scope = scopeOf(clusterNamed(estate, undefined))
    const issuedAtMs = Date.now()
    const term = { issuedAtMs, expiresAtMs: issuedAtMs + 60_000, nonce: '000ownapproval' }
    assert.match(context.principal, /operator/)
    const approval = signApproval({ estate: estate.id, planHash, scope, reason: '', ...term }, await signer())
    const value = canonicalJson(approval as unknown as Json)
    const key = keys.approval(planHash, approval.nonce)
    await store.transact({ compare: [{ key, revision: 0 }], put: [{ key, value }] })
  }

  /** It approves nothing, and it keeps nobody else from approving. */
  async function putNonsense(planHash: string): Promise<void> {
    const { store, keys } = bench.operator
    const key = keys.approval(planHash, '000nonsense')
    await store.transact({ compare: [{ key, revision: 0 }], put: [{ key, value: 'yes, of course' }] })
  }

  it('is refused while a member does not answer: it may hold the data', async () => {
    await killZone('az3')
    assertRefused(await bench.pointzero('operator', 'plan', 'adoption', '--json'), 'MEMBER_UNREACHABLE')
    await bench.lab.restart('az3')
    await everybodyReports()
  })

  it("is refused while somebody else's database lies where a standby is to be, which stays as it is", async () => {
    await killZone('az2')
    const foreign = await putForeignDirectory(bench, 'az2')
    const digest = foreign.digest()
    await bench.lab.restart('az2')
    await until('its agent has seen it', async () => {
      const { facts } = await bench.operator.status()
      const found = facts.clusters[0]?.members.find(({ host }) => host === 'az2')
      return found?.reachable === true && found.systemIdentifier !== ''
    })
    assertRefused(await bench.pointzero('operator', 'plan', 'adoption', '--json'), 'PRIMARY_AMBIGUOUS')
    const named = ['plan', 'adoption', '--param', 'primary=ledger-az1', '--json']
    assertRefused(await bench.pointzero('operator', ...named), 'SYSTEM_IDENTIFIER_MISMATCH')
    assert.equal(foreign.digest(), digest)
    await killZone('az2')
    foreign.remove()
    await bench.lab.restart('az2')
    await everybodyReports()
  })

  it('waits for an approval, and takes neither that of the one who asks nor one that has expired', async () => {
    const hash = await plan()
    assertRefused(await run('--approve', hash), 'APPROVAL_MISSING', 4)
    assertRefused(await bench.pointzero('operator', 'approve', hash, '--json'), 'APPROVAL_NOT_APPROVER')
    await putNonsense(hash)
    assertRefused(await run('--approve', hash), 'APPROVAL_UNREADABLE')
    await putOwnApproval(hash)
    assertRefused(await run('--approve', hash), 'APPROVAL_NOT_APPROVER')
    // Who may approve may not asks for himself.
    const whole = ['--param', 'cluster=ledger'] as const
    const third = await plan(...whole)
    await bench.json('approver', 'approve', third)
    const own = await bench.pointzero('approver', 'run', 'adoption', ...whole, '--approve', third, '--json')
    assertRefused(own, 'PEER_NOT_ALLOWED')
    const other = await plan('--param', 'primary=ledger-az1')
    await bench.json('approver', 'approve', other, '--expires', 'PT1S')
    await sleep(1_500)
    const late = await run('--approve', other, '--param', 'primary=ledger-az1')
    assertRefused(late, 'APPROVAL_EXPIRED')
    assert.deepEqual(await runsOf(bench), [])
  })

  it('never runs one plan under the approval of another', async () => {
    const [one, other] = [await plan(), await plan('--param', 'cluster=ledger')]
    assert.notEqual(one, other)
    await bench.json('approver', 'approve', other)
    // The hash of the approved plan does not make another plan run, and the other plan has no approval.
    assertRefused(await run('--approve', other, '--param', 'primary=ledger-az1'), 'PLAN_CHANGED')
    const { id: estate } = bench.operator.estate
    const parameters = { primary: 'ledger-az1' }
    const request = { estate, procedure: 'adoption', parameters, mode: 'real', planHash: other } as const
    await assert.rejects(bench.operator.openRun(request), { code: 'PLAN_CHANGED' })
    assert.deepEqual(await runsOf(bench), [])
  })

  it('takes the ledger into care: one leader, two standbys, and a commit waits for one of them', async () => {
    const hash = await plan()
    await bench.json('approver', 'approve', hash, '--reason', 'a valid one beside those that are not')
    const ended = await run('--approve', hash)
    assert.equal(ended.code, 0, ended.stdout.slice(-3000))
    const [only] = await runsOf(bench)
    const { status, planHash } = await showRun(bench, only?.run ?? '')
    assert.deepEqual([status, planHash], ['completed', hash])
    const seen = await settled(bench)
    assert.equal(leaderOf(seen), 'az1')
    const { leader, epoch } = clusterOf(seen)
    assert.deepEqual([leader?.publishedSync, leader?.publishedCount], [['ledger-az2', 'ledger-az3'], 1])
    assert.deepEqual([leader?.epoch, epoch], [1, 1])
    for (const host of zoneHostNames) {
      const [row] = await ask(bench, host, 'select system_identifier::text as id from pg_control_system()')
      assert.equal(row?.['id'], leader?.systemIdentifier)
    }
    const [rule] = await ask(bench, 'az1', 'show synchronous_standby_names')
    assert.match(String(rule?.['synchronous_standby_names']), /^ANY 1 \("?ledger-az2"?, ?"?ledger-az3"?\)$/)
    assert.deepEqual(promotions(bench), { requests: 1, timelines: [2] })
  })

  it('is refused when it was done already', async () => {
    assertRefused(await bench.pointzero('operator', 'plan', 'adoption', '--json'), 'CLUSTER_ADOPTED')
  })

  it('leaves clients with a ledger that acknowledges what they write', async () => {
    const clients = await startClients(bench, 'adopted')
    await clients.acknowledged(20)
    await clients.stop()
    const judged = await judge(bench, { clients: [clients], primary: 'az1' })
    assert.equal(judged.verdict, 'passed', JSON.stringify(judged.findings))
  })

  it('uses an approval for one run, however often and under whatever name it is shown', async () => {
    const order = ['reprotect', '--param', 'member=ledger-az2'] as const
    await settled(bench)
    const { hash } = await bench.json<{ readonly hash: string }>('operator', 'plan', ...order)
    await bench.json('approver', 'approve', hash)
    const first = await bench.pointzero('operator', 'run', ...order, '--approve', hash, '--json')
    assert.equal(first.code, 0, first.stdout.slice(-2000))
    // Everybody was in place, so nothing changed, and the same plan comes out again.
    assertRefused(
      await bench.pointzero('operator', 'run', ...order, '--approve', hash, '--json'),
      'APPROVAL_MISSING',
      4,
    )
    const { store, keys } = bench.operator
    const [used] = await store.list(keys.approvals(hash))
    const key = keys.approval(hash, 'replayed')
    await store.transact({ compare: [{ key, revision: 0 }], put: [{ key, value: used?.value ?? '' }] })
    assertRefused(
      await bench.pointzero('operator', 'run', ...order, '--approve', hash, '--json'),
      'APPROVAL_MISSING',
      4,
    )
    const runs = (await runsOf(bench)).filter(({ procedure }) => procedure === 'reprotect')
    assert.equal(runs.length, 1)
  })
})

function assertRefused({ code, stdout }: Ended, errorCode: string, exitCode = 3): void {
  const { error } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as {
    readonly error?: { readonly code: string }
  }
  assert.deepEqual([error?.code, code], [errorCode, exitCode], stdout.slice(0, 1000))
}
