import { canonicalJson } from '../domain/canonical-json.ts'
import type { ClusterFacts, Facts } from '../domain/facts.ts'
import { storeKeys } from '../engine/store-keys.ts'
import type { ControlStore } from '../ports/control-store.ts'

/**
 * Only a living primary shows what bypasses its synchronous rule, and a failover is planned when it is dead. So the newest list is kept in
 * the control store: what was void when the primary was last seen counts as void still (unknown never turns good).
 */
export class BypassMemory {
  readonly #store: ControlStore
  readonly #estate: string
  readonly #known = new Map<string, readonly string[]>()

  constructor(store: ControlStore, estate: string) {
    this.#store = store
    this.#estate = estate
  }

  /** Stores what a fresh primary shows, and puts the last known list where none can be seen. */
  async complete(facts: Facts): Promise<Facts> {
    const clusters: ClusterFacts[] = []
    for (const cluster of facts.clusters) clusters.push(await this.#completeCluster(cluster))
    return { ...facts, clusters }
  }

  async #completeCluster(cluster: ClusterFacts): Promise<ClusterFacts> {
    const leader = cluster.members.find(({ member }) => member === cluster.leader)
    if (leader === undefined) return cluster
    if (leader.reachable && leader.role === 'primary') {
      await this.#remember(cluster.component, leader.bypasses)
      return cluster
    }
    const bypasses = await this.#recall(cluster.component)
    if (bypasses.length === 0) return cluster
    return {
      ...cluster,
      members: cluster.members.map((member) => (member === leader ? { ...member, bypasses } : member)),
    }
  }

  async #remember(component: string, bypasses: readonly string[]): Promise<void> {
    const known = await this.#recall(component)
    if (canonicalJson(known) === canonicalJson(bypasses)) return
    const key = storeKeys(this.#estate).bypasses(component)
    const { succeeded } = await this.#store.transact({
      compare: [],
      put: [{ key, value: canonicalJson(bypasses) }],
    })
    if (succeeded) this.#known.set(component, bypasses)
  }

  async #recall(component: string): Promise<readonly string[]> {
    const known = this.#known.get(component)
    if (known !== undefined) return known
    const entry = await this.#store.get(storeKeys(this.#estate).bypasses(component))
    const stored = entry === undefined ? [] : (JSON.parse(entry.value) as readonly string[])
    this.#known.set(component, stored)
    return stored
  }
}
