import { chown, open, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseLsn } from '../../domain/lsn.ts'
import type { Lsn } from '../../domain/lsn.ts'
import type { Clock } from '../../ports/clock.ts'
import type {
  OwnedInvariant,
  RecoveryGoal,
  RecoveryStage,
  StageReport,
} from '../../ports/database-recovery.ts'
import type {
  Inspection,
  IsolatedDatabase,
  IsolatedStanding,
  SequenceFileHeight,
  SequenceHeight,
} from '../../ports/isolated-database.ts'
import { readControlFile } from './control-file.ts'
import { inspectDatabases } from './inspect-databases.ts'
import { installCopy } from './install-copy.ts'
import { IsolatedServer } from './isolated-server.ts'
import type { PostgresMemberConfig } from './member-config.ts'
import { exists, makeOwnedDirectory, removeDurably, syncDirectory } from './owned-file.ts'
import { crossPort, identityRefused, permanent, refused } from './postgres-failure.ts'
import { writeSettings, writeUpstreamOnDisk } from './postgres-settings.ts'
import { raiseSequences } from './raise-sequences.ts'
import { RecoveryPlace } from './recovery-place.ts'
import { runProgram } from './run-program.ts'
import { writeStandbySignal } from './standby-signal.ts'

/** `close` lets go of what runs; it goes on. */
export interface OpenIsolatedDatabase extends IsolatedDatabase {
  close(): void
}

export function openIsolatedDatabase(config: PostgresMemberConfig, clock: Clock): OpenIsolatedDatabase {
  return new PostgresCopy(config, clock)
}

class PostgresCopy implements OpenIsolatedDatabase {
  readonly name: string
  readonly #config: PostgresMemberConfig
  readonly #clock: Clock
  readonly #servers = new Map<string, IsolatedServer>()

  constructor(config: PostgresMemberConfig, clock: Clock) {
    this.name = config.name
    this.#config = config
    this.#clock = clock
  }

  async readReport(run: string, stage: RecoveryStage): Promise<StageReport | undefined> {
    return await crossPort(this.name, async () => {
      const place = this.#place(run)
      const report = await place.read(stage)
      if (report === undefined || stage === 'exported') return report
      const isMoved = !(await exists(place.dataDirectory))
      if (stage === 'installed') return isMoved ? report : undefined
      if (isMoved && (await place.read('installing')) === undefined) return undefined
      if (stage !== 'finished') return report
      const control = await readControlFile(isMoved ? this.#config.dataDirectory : place.dataDirectory)
      return isMoved || control?.state === 'shut down' ? report : undefined
    })
  }

  async writeReport(run: string, stage: RecoveryStage, report: StageReport): Promise<void> {
    await crossPort(this.name, async () => await this.#place(run).write(stage, report))
  }

  async begin(run: string): Promise<{ readonly directory: string; readonly freeBytes: number }> {
    return await crossPort(this.name, async () => {
      const place = this.#place(run)
      await makeOwnedDirectory(dirname(this.#config.dataDirectory), this.#config.runAs)
      await place.requireNotInstalled()
      await place.make()
      await this.#server(run).kill()
      await place.clear()
      return { directory: place.dataDirectory, freeBytes: await place.freeBytes() }
    })
  }

  async requireMajor(major: number): Promise<void> {
    const { output } = await runProgram(this.#config, 'postgres', ['--version'])
    const found = Number.parseInt(/PostgreSQL\)? (\d+)/.exec(output)?.[1] ?? '', 10)
    if (found === major) return
    const hint = `install PostgreSQL ${major} on this host and name its binDirectory for the agent`
    const message = `${this.name}: the copy is of PostgreSQL ${major}, ${this.#config.binDirectory} is ${output.trim()}`
    throw refused('RECOVERY_VERSION', message, hint)
  }

  async putWal(run: string, name: string, content: Uint8Array): Promise<void> {
    if (!/^[0-9A-F]{24}$|^[0-9A-F]{8}\.history$/.test(name))
      throw permanent('RECOVERY_WAL_DAMAGED', `${name} is not a file of pg_wal`, 'look at the archive')
    await crossPort(this.name, async () => {
      const folder = join(this.#place(run).dataDirectory, 'pg_wal')
      const beside = join(folder, `${name}.pointzero-new`)
      const file = await open(beside, 'w', 0o600)
      try {
        await file.writeFile(content)
        const { runAs } = this.#config
        if (runAs !== undefined) await file.chown(runAs.uid, runAs.gid)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(beside, join(folder, name))
    })
  }

  async settle(run: string, systemIdentifier: string): Promise<void> {
    await crossPort(this.name, async () => {
      const { dataDirectory, root } = this.#place(run)
      const own = { ...this.#config, dataDirectory }
      const control = await readControlFile(dataDirectory)
      if (control?.systemIdentifier !== systemIdentifier)
        throw identityRefused(root, control?.systemIdentifier ?? 'none', systemIdentifier)
      if (!(await exists(join(dataDirectory, 'backup_label'))))
        throw permanent(
          'RECOVERY_NOT_STARTABLE',
          `${dataDirectory} has no backup_label: PostgreSQL would start it with rows missing`,
          'the snapshot is not a base backup: take another one, `pointzero vault list`',
        )
      for (const name of ['standby.signal', 'postmaster.pid']) await removeDurably(join(dataDirectory, name))
      await writeUpstreamOnDisk(own, '')
      await writeSettings(own)
      await writeStandbySignal(dataDirectory, own.runAs)
      for (const path of [join(dataDirectory, 'pg_wal'), dataDirectory, root]) await syncDirectory(path)
      const { runAs } = own
      if (runAs !== undefined) await chown(root, runAs.uid, runAs.gid)
    })
  }

  async standing(run: string, goal: RecoveryGoal): Promise<IsolatedStanding | undefined> {
    return await crossPort(this.name, async () => await this.#server(run).standing(goal))
  }

  /** The number on 64 bits that is nearest below what comes next; what comes later was not seen by it. */
  async holdsCommit(run: string, xid: number): Promise<boolean> {
    return await crossPort(this.name, async () =>
      this.#server(run).within(async (session) => {
        const text = 'select pg_snapshot_xmax(pg_current_snapshot())::text as next'
        const [row] = await session.query<{ next: string }>(text, [], 5_000)
        const next = BigInt(row?.next ?? '0')
        const wrap = 1n << 32n
        let full = (next / wrap) * wrap + BigInt(xid)
        if (full - next > wrap / 2n) full -= wrap
        if (full >= next) return false
        const status = 'select pg_xact_status($1::text::xid8) as status'
        const [found] = await session.query<{ status: string | null }>(status, [String(full)], 5_000)
        return found?.status === 'committed'
      }),
    )
  }

  async open(run: string, goal: RecoveryGoal): Promise<number> {
    return await crossPort(this.name, async () => {
      const replayed = (await this.#place(run).read('replayed'))?.['replayedLsn']
      if (typeof replayed !== 'string')
        throw permanent('RECOVERY_OUT_OF_ORDER', `${this.name}: nothing was replayed yet`, 'report this')
      return await this.#server(run).open(goal, parseLsn(replayed))
    })
  }

  async inspect(run: string, invariants: readonly OwnedInvariant[]): Promise<Inspection> {
    return await crossPort(this.name, async () => {
      const server = this.#server(run)
      const found = await inspectDatabases(server, this.#config.database, invariants)
      return { ...found, network: await server.network() }
    })
  }

  async raiseSequences(
    run: string,
    heights: readonly SequenceHeight[],
    files: readonly SequenceFileHeight[],
  ) {
    return await crossPort(this.name, async () => raiseSequences(this.#server(run), heights, files))
  }

  async stop(run: string): Promise<{ readonly timeline: number; readonly shutdownLsn: Lsn }> {
    return await crossPort(this.name, async () => await this.#server(run).stop())
  }

  async install(run: string): Promise<{ readonly kept: string }> {
    return await crossPort(this.name, async () => await installCopy(this.#config, this.#place(run)))
  }

  async exists(run: string): Promise<boolean> {
    return await crossPort(
      this.name,
      async () => (await exists(this.#place(run).root)) || (await this.#server(run).isAlive()),
    )
  }

  async discard(run: string): Promise<void> {
    await crossPort(this.name, async () => {
      const place = this.#place(run)
      await place.requireNotInstalled()
      await this.#server(run).kill()
      await place.remove()
    })
    this.#servers.get(run)?.close()
    this.#servers.delete(run)
  }

  close(): void {
    for (const server of this.#servers.values()) server.close()
    this.#servers.clear()
  }

  #place(run: string): RecoveryPlace {
    return new RecoveryPlace(this.#config, run)
  }

  #server(run: string): IsolatedServer {
    const server = this.#servers.get(run) ?? new IsolatedServer(this.#config, this.#place(run), this.#clock)
    this.#servers.set(run, server)
    return server
  }
}
