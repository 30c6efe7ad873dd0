import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { AgentState } from '../../src/agent/agent-state.ts'
import { loadContext } from '../../src/cli/connection.ts'
import { loadEstate } from '../../src/cli/load-estate.ts'
import { readFacts } from '../../src/cli/make-plan.ts'
import { readConfig } from '../../src/cli/read-config.ts'
import { canonicalJson } from '../../src/domain/canonical-json.ts'
import type { Json } from '../../src/domain/canonical-json.ts'
import { requireFormat } from '../../src/domain/format.ts'
import type { Plan } from '../../src/domain/plan.ts'
import { serveConfigFormat, agentConfigFormat } from '../../src/domain/process-config.ts'
import { RecoveryError } from '../../src/domain/recovery-error.ts'
import { approvalPayload } from '../../src/engine/approval-signature.ts'
import type { Approval } from '../../src/engine/approval.ts'
import { planHash, validatePlan } from '../../src/engine/plan-hash.ts'
import { verifyJournal } from '../../src/engine/run-record.ts'
import { verifyEvidence } from '../../src/evidence/verify-evidence.ts'
import { parseRawLog } from '../../src/lab/checker/raw-log.ts'
import { MemoryFiles } from '../support/memory-files.ts'
import { approver, sampleKeys } from './sample-evidence.ts'
import { sampleVerifier } from './sample-keys.ts'

// What an earlier release wrote. These files are never made again: a change that can not read them needs a new format version.
const fixtures = join(import.meta.dirname, '..', 'fixtures', 'formats')
const directory = mkdtempSync(join(tmpdir(), 'pointzero-formats-'))
after(() => rmSync(directory, { recursive: true }))

type Reader = (text: string, file: string) => Promise<void> | void

const terminal = {
  write: () => undefined,
  note: () => undefined,
  hasColour: false,
  environment: {},
  workingDirectory: directory,
  nowMs: () => 0,
  stop: new AbortController().signal,
}

const readers: Readonly<Record<string, Reader>> = {
  'agent-config.json': async (_, file) => void (await readConfig(file, agentConfigFormat)),
  'agent-state.json': async (text) => {
    const files = new MemoryFiles()
    files.write('/state', text)
    assert.equal((await AgentState.load(files, '/state')).epochOf('cluster:cmp_orders01'), 7)
  },
  'approval.json': (text) => readApproval(text),
  'client-log.jsonl': (text, file) => assert.equal(parseRawLog(file, text).attempts[0]?.outcome, 'acked'),
  'context.json': async (_, file) => void (await loadContext(terminal, { context: file })),
  'estate.yaml': async (_, file) => assert.equal((await loadEstate(file)).id, 'est_labgoldestate'),
  'evidence.json': (text) => {
    const found = verifyEvidence(Buffer.from(text), { keys: sampleKeys }, sampleVerifier)
    if (!found.ok) throw new Error(`${found.code} ${found.where} ${found.message}`)
  },
  'facts.json': async (_, file) => void (await readFacts(file)),
  'plan.json': (text) => {
    const { hash, plan } = JSON.parse(text) as { readonly hash: string; readonly plan: Plan }
    validatePlan(plan)
    assert.equal(planHash(plan), hash)
  },
  'principals.json': (text) =>
    requireFormat('principals', (JSON.parse(text) as { format: unknown }).format, 'fixture'),
  'run-journal.json': (text) => {
    const texts = (JSON.parse(text) as readonly Json[]).map(canonicalJson)
    const verdict = verifyJournal('run_sample01', texts)
    assert.ok(verdict.intact, verdict.intact ? '' : verdict.message)
  },
  'serve-config.json': async (_, file) => void (await readConfig(file, serveConfigFormat)),
  'standing-approval.json': (text) => readApproval(text),
}

function readApproval(text: string): void {
  const approval = JSON.parse(text) as Approval
  assert.ok(sampleVerifier.verify(approver.publicKey, approvalPayload(approval), approval.signature))
}

test('there is a reader for every fixture and a fixture for every reader', () => {
  assert.deepEqual(readdirSync(fixtures).toSorted(), Object.keys(readers).toSorted())
})

for (const [name, read] of Object.entries(readers)) {
  test(`${name} of an earlier release is read`, async () => {
    const file = join(fixtures, name)
    await read(readFileSync(file, 'utf8'), file)
  })

  test(`${name} of a later release is refused`, async () => {
    const text = readFileSync(join(fixtures, name), 'utf8').replaceAll(/(pointzero\/[a-z-]+)\/1\b/g, '$1/2')
    const file = join(directory, name)
    writeFileSync(file, text)
    await assert.rejects(
      async () => await read(text, file),
      (error: unknown) => {
        assert.ok(error instanceof Error)
        assert.match(error.message, /format|FORMAT|is not a record/)
        if (error instanceof RecoveryError) assert.notEqual(error.hint, '')
        return true
      },
    )
  })
}
