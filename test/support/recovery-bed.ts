import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lastEntry } from '../../src/capture/clock-history.ts'
import { isCommit } from '../../src/capture/commit-clock.ts'
import { resolveInArchive } from '../../src/capture/resolve-in-archive.ts'
import type { RecoveryTarget } from '../../src/capture/resolve-target.ts'
import { positionOf } from '../../src/capture/wal-position.ts'
import { parseLsn } from '../../src/domain/lsn.ts'
import { Ed25519Verifier } from '../../src/platform/ed25519-signer.ts'
import type { DatabaseRecovery, RecoveryGoal } from '../../src/ports/database-recovery.ts'
import { readCopies } from '../../src/recovery/read-copies.ts'
import type { ReadCopies } from '../../src/recovery/read-copies.ts'
import { CaptureClient } from './capture-client.ts'
import { eventually, PostgresEstate, sql } from './postgres-estate.ts'
import type { Node } from './postgres-estate.ts'
import { accessTo, component, recoveryAt } from './recovery-place.ts'
import type { RecoveryPlaces } from './recovery-place.ts'

const repository = join(import.meta.dirname, '..', '..')

/** A primary that is captured and backed up into directories of this machine, and what brings it back. */
export class RecoveryBed {
  readonly estate: PostgresEstate
  readonly node: Node
  readonly capture: CaptureClient
  readonly #vault: string
  readonly #keys: string

  private constructor(estate: PostgresEstate, node: Node, capture: CaptureClient) {
    this.estate = estate
    this.node = node
    this.capture = capture
    this.#vault = join(estate.root, 'vault')
    this.#keys = join(estate.root, 'keys')
  }

  static async open(bin: string): Promise<RecoveryBed> {
    const estate = await PostgresEstate.open(bin)
    const node = await estate.node('p1')
    await estate.primary(node)
    const { config } = node
    const password = join(estate.root, 'password')
    await writeFile(password, config.password ?? '', { mode: 0o600 })
    const capture = new CaptureClient(estate.root, 'archive', {
      sources: [{ address: config.address, port: config.port }],
      user: config.superuser,
      passwordRef: `file:${password}`,
      database: config.database,
      slot: 'archive',
    })
    const bed = new RecoveryBed(estate, node, capture)
    capture.start()
    await mkdir(bed.#vault)
    await bed.#pointzero('init', '--store', bed.#vault, '--out', bed.#keys)
    return bed
  }

  async backUp(): Promise<void> {
    const { config } = this.node
    await this.#pointzero(
      ...['backup', '--store', this.#vault, '--writer', `file:${join(this.#keys, 'writer.json')}`],
      ...['--host', config.address, '--port', String(config.port), '--user', config.superuser],
      ...['--password', `file:${join(this.estate.root, 'password')}`, '--component', component],
    )
  }

  places(config = this.node.config): RecoveryPlaces {
    return { config, archive: this.capture.archive, vault: this.#vault, keys: this.#keys }
  }

  recovery(config = this.node.config): DatabaseRecovery {
    return recoveryAt(this.places(config))
  }

  async copies(): Promise<ReadCopies> {
    const access = accessTo(this.places())
    return await readCopies(
      await access.source(component),
      await access.key(component),
      new Ed25519Verifier(),
    )
  }

  /** Until everything that was committed so far is in the archive and in the clock. */
  async caughtUp(): Promise<void> {
    const [row] = await sql(this.node, 'select pg_current_wal_flush_lsn()::text as lsn')
    const flushed = positionOf(parseLsn(String(row?.['lsn'])))
    await sql(this.node, 'select txid_current()')
    await eventually(`the clock reaches ${String(row?.['lsn'])}: ${this.capture.errors}`, async () => {
      const { catalogue } = await this.copies()
      const newest = catalogue.coverage.at(-1)
      const last =
        newest === undefined ? undefined : await lastEntry(catalogue.clock, newest.lineage, isCommit)
      return (last?.end ?? 0) >= flushed ? true : undefined
    })
  }

  async goal(target: RecoveryTarget): Promise<RecoveryGoal> {
    const { timeline, lsn, inclusive, reached, backup } = await resolveInArchive(await this.copies(), target)
    return { snapshot: backup.id, timeline, lsn, inclusive, reached }
  }

  async close(): Promise<void> {
    await this.capture.stop('SIGKILL')
    await this.estate.close()
  }

  async #pointzero(...args: readonly string[]): Promise<void> {
    const child = spawn(process.execPath, ['src/cli/main.ts', 'vault', ...args], {
      cwd: repository,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number | null]
    assert.equal(code, 0, output)
  }
}
