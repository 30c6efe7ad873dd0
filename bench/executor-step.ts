import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Plan, Step } from '../src/domain/plan.ts'
import { productVersion } from '../src/domain/product-version.ts'
import { executeRun } from '../src/engine/executor.ts'
import { openRun } from '../src/engine/open-run.ts'
import type { Performer } from '../src/engine/performer.ts'
import { planHash } from '../src/engine/plan-hash.ts'
import { Ed25519Verifier } from '../src/platform/ed25519-signer.ts'
import { SqliteControlStore } from '../src/platform/sqlite-control-store.ts'
import { SystemClock } from '../src/platform/system-clock.ts'
import { SystemRandom } from '../src/platform/system-random.ts'
import { load, percentile, print } from './figures.ts'

/** What the executor itself adds to a step on the embedded store: actions that take no time, every append one fsync. */
const clock = new SystemClock()
const random = new SystemRandom()
const log = { info: () => undefined, warn: () => undefined }
const steps = 60
const rounds = 7
const goalMs = 5

function plan(after: (index: number) => readonly string[]): Plan {
  const step = (_: unknown, index: number): Step => ({
    id: `s${index}`,
    action: 'nothing.do',
    actionVersion: 1,
    args: {},
    on: 'host',
    after: after(index),
    proves: 'nothing',
    effect: 'reversible',
    timeoutMs: 10_000,
    retry: { attempts: 1, waitMs: 0 },
    phase: 'execute',
  })
  return {
    format: 'pointzero/plan/1',
    procedure: 'bench',
    procedureVersion: 1,
    productVersion,
    estate: 'est_benchmark',
    estateDigest: '',
    factsDigest: '',
    scenario: 'none',
    parameters: {},
    scope: 'estate',
    mode: 'drill',
    steps: Array.from({ length: steps }, step),
  }
}

interface Taken {
  readonly stepMs: number
  readonly stepCpuMs: number
  readonly openingMs: number
}

async function executeOnce(measured: Plan): Promise<Taken> {
  const folder = mkdtempSync(join(tmpdir(), 'pointzero-bench-'))
  const store = new SqliteControlStore(clock, join(folder, 'control.db'))
  const done = new Set<string>()
  const performer: Performer = {
    observe: async ({ authority }) =>
      done.has(authority.step)
        ? { satisfied: true, proof: null, output: {} }
        : { satisfied: false, seen: null },
    apply: async ({ authority }) => void done.add(authority.step),
    announce: async () => undefined,
  }
  const run = `run_${random.idBody(10)}`
  const authorization = { kind: 'approvals', required: 0, approvals: [] } as const
  const opening = {
    clock,
    store,
    verifier: new Ed25519Verifier(),
    run,
    plan: measured,
    planHash: planHash(measured),
  }
  const startedMs = clock.monotonicMs()
  await openRun({ ...opening, requestedBy: 'prn_benchmark', authorization })
  const openedMs = clock.monotonicMs()
  const cpu = process.cpuUsage()
  await executeRun({
    world: { clock, random, log },
    store,
    performer,
    estate: measured.estate,
    run,
    executor: 'bench',
    procedures: new Map([['bench', 1]]),
  })
  const { user, system } = process.cpuUsage(cpu)
  const stepMs = (clock.monotonicMs() - openedMs) / steps
  store.close()
  rmSync(folder, { recursive: true })
  return { stepMs, stepCpuMs: (user + system) / 1_000 / steps, openingMs: openedMs - startedMs }
}

/** CPU time beside the wall time: a busy machine changes it less. */
async function measure(name: string, measured: Plan): Promise<void> {
  const taken: Taken[] = []
  for (let round = 0; round < rounds; round++) taken.push(await executeOnce(measured))
  const median = (of: (one: Taken) => number): number => percentile(taken.map(of), 0.5)
  const stepMs = median((one) => one.stepMs)
  const verdict = stepMs <= goalMs ? 'met' : 'missed'
  print(
    `${name}: ${stepMs.toFixed(2)} ms a step (goal ${goalMs} ms: ${verdict}), ${median((one) => one.stepCpuMs).toFixed(2)} ms of it CPU; ` +
      `opening ${median((one) => one.openingMs).toFixed(2)} ms; median of ${rounds} runs of ${steps} steps`,
  )
}

await measure(
  'one after the other',
  plan((index) => (index === 0 ? [] : [`s${index - 1}`])),
)
await measure(
  'all at once',
  plan(() => []),
)
print(`load ${load()}`)
