import { clusterNamed } from '../../estate/estate-lookup.ts'
import { openSystemArchive } from '../../platform/system-archive.ts'
import type { KeptSnapshot } from '../../ports/kept-copies.ts'
import type { ArchiveReader } from '../../ports/recovery-source.ts'
import type { CommonOptions } from '../command-context.ts'
import { connect } from '../connection.ts'
import type { Terminal } from '../terminal.ts'
import { recoverySource } from './recovery-access.ts'

export interface ArchiveChoice extends CommonOptions {
  /** A directory of this machine. Absent: the archive that the estate keeps of the component. */
  readonly archive?: string
  readonly component?: string
}

export interface ChosenArchive {
  readonly archive: ArchiveReader
  /** Known to the host that keeps the vault; none for a bare directory. */
  readonly snapshots: readonly KeptSnapshot[]
}

export async function chosenArchive(terminal: Terminal, choice: ArchiveChoice): Promise<ChosenArchive> {
  if (choice.archive !== undefined) return { archive: openSystemArchive(choice.archive), snapshots: [] }
  const { estate, world, status } = await connect(terminal, choice)
  const cluster = clusterNamed(estate, choice.component)
  const { hosts } = await status()
  const views = hosts.flatMap(({ view }) => view?.copies ?? [])
  const snapshots = views.filter(({ component }) => component === cluster.id).flatMap((one) => one.snapshots)
  return { archive: recoverySource({ world, estate, local: [] }, cluster.id).archive, snapshots }
}
