import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { canonicalJson } from '../../src/domain/canonical-json.ts'
import type { Json } from '../../src/domain/canonical-json.ts'
import type { Plan } from '../../src/domain/plan.ts'
import { declarationDigest } from '../../src/engine/declared-permission.ts'
import type { DeclaringEstate } from '../../src/engine/declared-permission.ts'
import { digest } from '../../src/engine/digest.ts'
import { planHash } from '../../src/engine/plan-hash.ts'
import { evidenceText } from '../../src/evidence/evidence-bundle.ts'
import type { EvidenceBundle } from '../../src/evidence/evidence-bundle.ts'
import { chainEntries } from '../../src/evidence/evidence-chain.ts'
import { verifyEvidence } from '../../src/evidence/verify-evidence.ts'
import type { EvidenceVerification } from '../../src/evidence/verify-evidence.ts'
import {
  approver,
  controlPlane,
  sampleApproval,
  sampleBundle,
  sampleJournal,
  sampleKeys,
  sampleParts,
  stranger,
} from './sample-evidence.ts'
import { sampleVerifier } from './sample-keys.ts'

const directory = mkdtempSync(join(tmpdir(), 'pointzero-evidence-'))
after(() => rmSync(directory, { recursive: true }))

const keyArgs = [...sampleKeys].flatMap(([id, key]) => ['--key', `${id}=${key}`])
const verifier = join(import.meta.dirname, '..', '..', 'tools', 'evidence-verifier', 'verify.mjs')

type Verdict = {
  readonly ok: boolean
  readonly code?: string
  readonly where?: string
  readonly message?: string
}

/** Both verifiers on each of the files; the separate one in one process. */
function judgeAll(
  files: readonly Uint8Array[],
  extra: readonly string[] = [],
  estate?: string,
): readonly Verdict[] {
  const paths = files.map((bytes, index) => {
    const path = join(directory, `${index}.json`)
    writeFileSync(path, bytes)
    return path
  })
  const run = spawnSync(process.execPath, [verifier, ...keyArgs, ...extra, '--json', ...paths], {
    encoding: 'utf8',
  })
  assert.equal(run.stderr, '')
  const separate = run.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Verdict)
  assert.equal(separate.length, files.length)
  return files.map((bytes, index) => {
    const ours = verifyEvidence(
      bytes,
      { keys: sampleKeys, ...(estate === undefined ? {} : { estate }) },
      sampleVerifier,
    )
    const theirs = separate[index]
    assert.ok(theirs !== undefined)
    assert.deepEqual(essence(theirs), essence(ours), `the two verifiers disagree on file ${index}`)
    return theirs
  })
}

function essence(verdict: Verdict | EvidenceVerification): unknown {
  return verdict.ok ? { ok: true } : { ok: false, code: verdict.code, where: verdict.where }
}

function judge(bundle: unknown, ...extra: readonly string[]): Verdict {
  const [verdict] = judgeAll([Buffer.from(`${canonicalJson(bundle as Json)}\n`)], extra, extra[1])
  assert.ok(verdict !== undefined)
  return verdict
}

const genuine = sampleBundle()
const genuineBytes = Buffer.from(evidenceText(genuine))

/** The same stream in every run, so that a failure can be looked at again. */
function integers(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
}

test('a genuine bundle is genuine to the product and to the separate verifier', () => {
  assert.deepEqual(judge(genuine), {
    file: join(directory, '0.json'),
    ok: true,
    run: 'run_sample01',
    estate: 'est_sample01',
    procedure: 'zone-failover',
    scenario: 'zone-loss',
    mode: 'real',
    status: 'completed',
    signer: 'prn_control01',
    planHash: genuine.head.planHash,
  })
})

test('every one of 600 single flipped bits is found by both, at the same place', () => {
  const next = integers(20_261_121)
  const files = Array.from({ length: 600 }, () => {
    const bytes = Buffer.from(genuineBytes)
    const at = next(bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << next(8))
    return bytes
  })
  const verdicts = judgeAll(files)
  assert.deepEqual(
    verdicts.filter(({ ok }) => ok),
    [],
  )
  assert.ok(verdicts.every(({ where, message }) => where !== '' && message !== ''))
})

test('every one of 300 replaced bytes is found by both, at the same place', () => {
  const next = integers(7)
  const files = Array.from({ length: 300 }, () => {
    const bytes = Buffer.from(genuineBytes)
    const at = next(bytes.length)
    bytes[at] = ((bytes[at] ?? 0) + 1 + next(94)) % 128
    return bytes
  })
  assert.deepEqual(
    judgeAll(files).filter(({ ok }) => ok),
    [],
  )
})

test('a truncated, an extended and a re-spelled file are found', () => {
  const text = genuineBytes.toString()
  const files = [
    text.slice(0, -1),
    text.slice(0, text.length / 2),
    `${text} `,
    `\uFEFF${text}`,
    JSON.stringify(genuine, undefined, 1),
    text.replace('"Ann"', '"\\u0041nn"'),
    text.replace('"format"', '"format":1,"format"'),
  ].map((changed) => Buffer.from(changed))
  assert.deepEqual(
    judgeAll(files).filter(({ ok }) => ok),
    [],
  )
})

test('entries that were left out, moved or swapped are named', () => {
  const [first, second, ...rest] = genuine.entries
  assert.equal(judge({ ...genuine, entries: [second, first, ...rest] }).where, 'entry 0 plan, field name')
  assert.equal(judge({ ...genuine, entries: rest }).where, 'entries')
})

test('a journal record that was left out is named even when everything after it was chained and signed anew', () => {
  const journal = sampleJournal([sampleApproval()]).filter(({ seq }) => seq !== 3)
  const verdict = judge(sampleBundle({ journal }))
  assert.equal(verdict.where, 'entry 4 journal, record 3, field seq')
})

test('a bundle that was changed and chained anew fails on its signature', () => {
  const contents = genuine.entries.map(
    ({ name, content }) => [name, name === 'verdicts' ? [] : content] as const,
  )
  const entries = chainEntries(contents)
  const forged = { ...genuine, entries, head: { ...genuine.head, chain: entries.at(-1)?.link } }
  assert.equal(judge(forged).where, 'file, field signature')
})

test('a signature by another key, and none at all, are found', () => {
  const byStranger = sampleBundle({}, stranger)
  assert.equal(judge(byStranger).code, 'KEY_NOT_PINNED')
  const posing = sampleBundle({}, { ...stranger, principal: controlPlane.principal })
  assert.equal(judge(posing).code, 'SIGNATURE')
  const { signature: _, ...stripped } = genuine
  assert.equal(judge(stripped).where, 'file, field signature')
  assert.equal(judge({ ...genuine, signature: '' }).code, 'SIGNATURE')
})

test('a key inside the bundle is never believed', () => {
  const principals = [
    { id: 'prn_stranger1', name: 'X', publicKey: stranger.publicKey, roles: ['control-plane'] },
  ] as const
  assert.equal(judge(sampleBundle({ principals }, stranger)).code, 'KEY_NOT_PINNED')
})

test('evidence of another estate is refused where one was named', () => {
  assert.equal(judge(genuine, '--estate', 'est_other001').code, 'ESTATE')
  const estate = { id: 'est_other001' }
  assert.equal(judge(sampleBundle({ estate })).where, 'entry 3 estate, field id')
})

test('an approval is for this plan, by somebody else, signed, and in time', () => {
  const cases: readonly (readonly [EvidenceBundle, string])[] = [
    [withApprovals(sampleApproval({ planHash: 'f'.repeat(64) })), 'APPROVAL'],
    [withApprovals(sampleApproval({ approver: 'prn_operator1' })), 'APPROVER_IS_REQUESTER'],
    [withApprovals(sampleApproval({}, stranger)), 'KEY_NOT_PINNED'],
    [withApprovals({ ...sampleApproval(), reason: 'another' }), 'SIGNATURE'],
    [withApprovals(sampleApproval({ expiresAtMs: 1 })), 'APPROVAL'],
    [withApprovals(), 'APPROVAL'],
    [sampleBundle({ approvals: [], journal: sampleJournal([sampleApproval()]) }), 'APPROVAL'],
  ]
  assert.deepEqual(
    cases.map(([bundle]) => judge(bundle).code),
    cases.map(([, code]) => code),
  )
})

function withApprovals(...approvals: readonly ReturnType<typeof sampleApproval>[]): EvidenceBundle {
  return sampleBundle({ approvals, journal: sampleJournal(approvals) })
}

test('a run that nobody approved counts where the estate of the bundle declares it: copies, and nothing that destroys', () => {
  const protection = { captures: [], backups: [{ name: 'full', type: 'full', every: 'day' }] }
  const estate = {
    id: 'est_sample01',
    components: [{ id: 'cmp_orders01', protection }],
    schedules: [{ name: 'test', procedure: 'backup-verification' }],
  }
  const { plan } = sampleParts()
  const steps = plan.steps.map((step) => ({ ...step, effect: 'reversible' as const }))
  const harmless = {
    ...plan,
    procedure: 'backup',
    scenario: 'none',
    scope: 'copies:cmp_orders01',
    steps,
  } as const
  const code = (
    planned: Partial<Plan>,
    found: Json = estate,
    declaring: DeclaringEstate = estate,
  ): Verdict => {
    const made: Plan = { ...harmless, ...planned, estateDigest: digest(found) }
    const declared = {
      declaration: 'components.orders.protection.backups.full',
      digest: declarationDigest(declaring, 'cmp_orders01') ?? '',
    }
    const journal = sampleJournal([], made, declared)
    const parts = { plan: made, planHash: planHash(made), approvals: [], estate: found, journal }
    return judge(sampleBundle(parts))
  }
  assert.deepEqual(code({}), { ...code({}), ok: true })
  assert.match(code({ procedure: 'component-restore' }).message ?? '', /does not allow this procedure/)
  assert.match(code({ scope: 'cluster:cmp_orders01' }).message ?? '', /does not allow this procedure/)
  assert.match(code({ steps: plan.steps }).message ?? '', /can not be undone/)
  const other = { ...estate, components: [{ id: 'cmp_orders01', protection: { captures: [], backups: [] } }] }
  assert.match(code({}, estate, other).message ?? '', /not what the estate of entry 3 declares/)
  const asking = { ...estate, approvals: [{ procedure: 'backup' }] }
  assert.match(code({}, asking, asking).message ?? '', /asks people to approve/)
})

test('a plan, a status and recovery times that differ from the journal are found', () => {
  const { plan, times } = sampleParts()
  assert.equal(judge(sampleBundle({ plan: { ...plan, procedureVersion: 2 } })).code, 'PLAN_HASH')
  assert.equal(judge(sampleBundle({ times: { ...times, totalMs: 1 } })).code, 'TIMES')
  assert.equal(
    judge(sampleBundle({ times: { ...times, parts: { ...times.parts, detect: 1 } } })).code,
    'TIMES',
  )
})

test('the separate verifier tells usage (2) from a defect (1) and from a genuine bundle (0)', () => {
  const path = join(directory, 'genuine.json')
  writeFileSync(path, genuineBytes)
  const exit = (...args: readonly string[]): number | null =>
    spawnSync(process.execPath, [verifier, ...args]).status
  assert.equal(exit(...keyArgs, path), 0)
  assert.equal(exit('--key', `${approver.principal}=${approver.publicKey}`, path), 1)
  assert.equal(exit(path), 2)
  assert.equal(exit('--key', 'prn_x=short', path), 2)
  assert.equal(exit(...keyArgs, join(directory, 'absent.json')), 2)
})
