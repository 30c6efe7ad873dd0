import type { AgentView } from '../agent/wire.ts'
import type { Json } from '../domain/canonical-json.ts'
import { readEpoch } from '../engine/epoch.ts'
import { storeKeys } from '../engine/store-keys.ts'
import { keepersOf } from '../estate/keepers.ts'
import { memberNamed, scopeOf } from '../estate/estate-lookup.ts'
import type { PostgresComponent } from '../estate/estate.ts'
import type { ControlContext } from './control-context.ts'
import { readLeader } from './leader-store.ts'

/** What a drill may not change, as far as it stands still by itself: identities, who leads, the rule, the slots, what is kept. Plain data. */
export interface ProductionReading {
  readonly leader: string
  /** Of the cluster's scope: higher when a run of somebody else acted on it. */
  readonly clusterEpoch: number
  /** The run that was open there; '' when none was. */
  readonly clusterRun: string
  readonly systemIdentifier: string
  readonly publishedSync: readonly string[]
  readonly publishedCount: number
  readonly primary: {
    readonly systemIdentifier: string
    readonly timeline: number
    readonly rule: readonly string[]
    readonly ruleCount: number
    readonly slots: readonly string[]
  }
  readonly kept: {
    readonly systemIdentifier: string
    /** Of what the archive receives; 0 when nothing is received. */
    readonly timeline: number
    readonly snapshots: readonly string[]
  }
}

/** Slots of a session that copies the primary: they end with it. */
const passing = /^(pg_basebackup_\d+|pointzero_clone_\d+)$/

/** `undefined` while the leader or the keeper of the copies shows nothing. */
export async function readProduction(
  context: ControlContext,
  cluster: PostgresComponent,
): Promise<ProductionReading | undefined> {
  const { estate, store } = context
  const { record } = await readLeader(store, estate.id, cluster.id)
  const { vault, archive } = keepersOf(estate, cluster)
  if (record === undefined) return undefined
  const keys = storeKeys(estate.id)
  const scope = scopeOf(cluster)
  const epochOf = async (): Promise<number> => (await readEpoch(store, keys, scope)).epoch
  const clusterEpoch = await epochOf()
  const open = await store.get(keys.open(scope))
  const clusterRun = open === undefined ? '' : (JSON.parse(open.value) as { readonly run: string }).run
  const leader = memberNamed(cluster, record.member)
  const hosts = new Set([
    leader.host,
    ...(vault === undefined ? [] : [vault.name]),
    archive?.name ?? leader.host,
  ])
  const views: AgentView[] = []
  for (const host of hosts) views.push(await context.observeHost(host))
  const seen = views.flatMap(({ members }) => members).find(({ member }) => member === leader.id)?.observation
  const kept = views
    .flatMap(({ copies = [] }) => copies)
    .filter(({ component, readAgeMs }) => component === cluster.id && readAgeMs !== undefined)
  if (seen?.role !== 'primary' || seen.systemIdentifier === undefined || kept.length === 0) return undefined
  // A capture that is between two primaries, or a run that began while this was read: it is read again.
  const captured = kept.find(({ capture }) => capture !== undefined)?.capture
  if (captured?.timeline === null || (await epochOf()) !== clusterEpoch) return undefined
  const { member, systemIdentifier, publishedSync, publishedCount } = record
  return {
    leader: member,
    clusterEpoch,
    clusterRun,
    systemIdentifier,
    publishedSync,
    publishedCount,
    primary: {
      systemIdentifier: seen.systemIdentifier,
      timeline: seen.timeline ?? 0,
      rule: seen.syncNames ?? [],
      ruleCount: seen.syncCount ?? 0,
      slots: (seen.slots ?? []).map(({ name }) => name).filter((name) => !passing.test(name)),
    },
    kept: {
      systemIdentifier: kept[0]?.systemIdentifier ?? '',
      timeline: captured?.timeline ?? 0,
      snapshots: kept.flatMap(({ snapshots }) => snapshots.map(({ id }) => id)),
    },
  }
}

export interface ProductionChange {
  /** What is not as it was, and nobody else's run explains. */
  readonly touched: readonly string[]
  /** What was not compared, because another run acted on the cluster meanwhile. */
  readonly notCompared: readonly string[]
}

/** Identities and copies stay whatever happens; who leads, on which timeline, by which rule and with which slots only while no other run acted. Pure. */
export function productionChange(before: ProductionReading, after: ProductionReading): ProductionChange {
  const touched = [
    ...different('system identifier of the leader record', before.systemIdentifier, after.systemIdentifier),
    ...different(
      'system identifier of the primary',
      before.primary.systemIdentifier,
      after.primary.systemIdentifier,
    ),
    ...different(
      'system identifier of the archive',
      before.kept.systemIdentifier,
      after.kept.systemIdentifier,
    ),
    ...before.kept.snapshots
      .filter((id) => !after.kept.snapshots.includes(id))
      .map((id) => `snapshot ${id} is gone`),
  ]
  const moving = [
    ...different('leader', before.leader, after.leader),
    ...different('published rule', ruleOf(before), ruleOf(after)),
    ...different('timeline', before.primary.timeline, after.primary.timeline),
    ...different('loaded rule', before.primary, after.primary, ({ rule, ruleCount }) => [ruleCount, ...rule]),
    ...different('slots of the primary', before.primary.slots.toSorted(), after.primary.slots.toSorted()),
    ...different('timeline of the archive', before.kept.timeline, after.kept.timeline),
  ]
  const isAlone = before.clusterEpoch === after.clusterEpoch && before.clusterRun === ''
  return isAlone ? { touched: [...touched, ...moving], notCompared: [] } : { touched, notCompared: moving }
}

function ruleOf({ publishedCount, publishedSync }: ProductionReading): Json {
  return [publishedCount, ...publishedSync]
}

function different<T>(
  what: string,
  before: T,
  after: T,
  part: (value: T) => unknown = (value) => value,
): readonly string[] {
  const [was, is] = [JSON.stringify(part(before)), JSON.stringify(part(after))]
  return was === is ? [] : [`${what}: was ${was}, is ${is}`]
}
