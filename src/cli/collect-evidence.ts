import { writeFile } from 'node:fs/promises'
import type { Json } from '../domain/canonical-json.ts'
import { productVersion } from '../domain/product-version.ts'
import type { Principal } from '../engine/approval.ts'
import { buildEvidence, evidenceText, runStatusOf } from '../evidence/evidence-bundle.ts'
import type { EvidenceBundle, EvidenceEnvironment } from '../evidence/evidence-bundle.ts'
import type { Measurements } from '../evidence/measurements.ts'
import { recoveryTimes } from '../evidence/recovery-times.ts'
import { judgeObjectives } from '../evidence/verdict.ts'
import type { Scale } from '../evidence/verdict.ts'
import type { CommandContext, CommonOptions } from './command-context.ts'
import { connect } from './connection.ts'
import type { Connection } from './connection.ts'
import { readJson } from './read-json.ts'
import { loadRun, runNamed } from './run-records.ts'

export const nothingMeasured: Measurements = {
  clientLogs: [],
  writes: { acknowledged: 0, found: 0, lost: 0, duplicated: 0, unknown: 0, lostIds: [] },
  lossMs: 0,
  transition: { requests: 0, failed: 0 },
  total: { requests: 0, failed: 0 },
  invariants: [],
}

export interface Gathering {
  readonly run: string
  readonly measurements: Measurements
  readonly load: EvidenceEnvironment['load']
  readonly scale?: Scale
}

/** A bundle of one run, from the verified journal in the control store, signed by who asks for it. */
export async function gatherEvidence(connection: Connection, gathering: Gathering): Promise<EvidenceBundle> {
  const { estate, world } = connection
  const { run, measurements, scale } = gathering
  const [journal, status, principals] = await Promise.all([
    loadRun(connection, run),
    connection.status(),
    principalsOf(connection),
  ])
  const { records, state } = journal
  const opened = records[0]?.event
  const grants = opened?.type === 'opened' ? opened : { approvals: [] }
  const times = recoveryTimes(records, measurements)
  const measured = {
    scenario: state.plan.scenario,
    status: runStatusOf(records),
    measurements,
    times,
    measuredAtMs: records[0]?.atMs ?? 0,
    ...(scale === undefined ? {} : { scale }),
  }
  const parts = {
    plan: state.plan,
    planHash: state.planHash,
    approvals: grants.approvals,
    standingApprovals: 'standing' in grants && grants.standing !== undefined ? [grants.standing] : [],
    principals,
    estate: estate as unknown as Json,
    journal: records,
    measurements,
    times,
    verdicts: judgeObjectives(estate.objectives, measured),
    environment: environment(connection, status.facts.clusters, gathering.load),
    createdAtMs: world.clock.now(),
  }
  return buildEvidence(parts, await connection.signer())
}

export async function collectEvidence(
  { terminal }: CommandContext,
  name: string,
  options: CommonOptions & { readonly measurements?: string; readonly out: string },
): Promise<void> {
  const connection = await connect(terminal, options)
  const { run } = (await runNamed(connection, name)).place
  const file = options.measurements
  const measurements =
    file === undefined ? nothingMeasured : ((await readJson(file)) as unknown as Measurements)
  const bundle = await gatherEvidence(connection, { run, measurements, load: {} })
  await writeFile(options.out, evidenceText(bundle), { mode: 0o600 })
  terminal.write(
    options.json === true
      ? `${JSON.stringify({ file: options.out, head: bundle.head })}\n`
      : `${options.out}\n`,
  )
}

async function principalsOf({ store, keys }: Connection): Promise<readonly Principal[]> {
  const entry = await store.get(keys.principals)
  return entry === undefined
    ? []
    : (JSON.parse(entry.value) as { readonly principals: readonly Principal[] }).principals
}

function environment(
  { estate, context }: Connection,
  clusters: readonly {
    readonly component: string
    readonly members: readonly { readonly versionNumber: number }[]
  }[],
  load: EvidenceEnvironment['load'],
): EvidenceEnvironment {
  const servers = clusters.flatMap(({ component, members }) => {
    const name = estate.components.find(({ id }) => id === component)?.name ?? component
    const versions = new Set(
      members.map(({ versionNumber }) => versionNumber).filter((version) => version > 0),
    )
    return versions.size === 0 ? [] : [[name, [...versions].join(' ')] as const]
  })
  return {
    productVersion,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    servers: Object.fromEntries(servers),
    load,
    ...(context.place === undefined ? {} : { place: context.place }),
  }
}
