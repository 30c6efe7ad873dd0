import { keepersOf } from '../../estate/keepers.ts'
import { refusal } from './cluster-facts.ts'
import type { ClusterScene } from './cluster-facts.ts'

/** Whose agent keeps the vault of the cluster. */
export function vaultHost(scene: ClusterScene): string {
  const { vault } = keepersOf(scene.estate, scene.cluster)
  if (vault === undefined)
    throw refusal(
      'BACKUP_NO_VAULT',
      `no host of the estate keeps a vault of ${scene.cluster.name}`,
      'declare a store with `host` and `backups` that name it, see docs/operate/copies.md',
    )
  return vault.name
}
