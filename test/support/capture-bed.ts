import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { archiveEnds } from '../../src/capture/archive-end.ts'
import { readIdentity } from '../../src/capture/archive-layout.ts'
import { readClock } from './clock-entries.ts'
import { lsnOf, positionOf } from '../../src/capture/wal-position.ts'
import { parseLsn } from '../../src/domain/lsn.ts'
import { openSystemArchive } from '../../src/platform/system-archive.ts'
import type { CaptureClient } from './capture-client.ts'
import { eventually } from './plain-postgres.ts'
import type { PlainServer } from './plain-postgres.ts'
import { Started } from './vault-commands.ts'
import type { Ended, VaultCommands } from './vault-commands.ts'

/** Any command of the product. */
export async function pointzero(args: readonly string[]): Promise<Ended> {
  return new Started(['src/cli/main.ts', ...args]).ended
}

export async function streams(client: CaptureClient): Promise<void> {
  await eventually(
    'it streams',
    async () => (client.state?.protection.kind === 'streaming' ? true : undefined),
    60_000,
  )
}

/** Until the archive is durable, and its clock written, up to where the server is now. */
export async function caughtUp(server: PlainServer, client: CaptureClient): Promise<void> {
  const archive = openSystemArchive(client.archive)
  const flushed = positionOf(parseLsn(await server.scalar('select pg_current_wal_flush_lsn()')))
  await eventually(
    `the archive reaches ${lsnOf(flushed)}: ${client.errors}`,
    async () => {
      const identity = await readIdentity(archive)
      assert.ok(identity)
      const ends = await archiveEnds(archive, identity.segmentBytes)
      if (Math.max(...[...ends.values()].map(({ end }) => end)) < flushed) return undefined
      const clock = await readClock(archive, identity)
      // The last commit is a few records before the end.
      return clock.some(({ end }) => end >= flushed - 2_000) ? true : undefined
    },
    60_000,
  )
}

/** The vault's snapshots as `points --backups` wants them. */
export async function backupsFile(vault: VaultCommands, file: string): Promise<readonly string[]> {
  const list = (await vault.snapshots()) as readonly {
    readonly snapshot: string
    readonly postgres: { readonly timeline: number; readonly startLsn: string; readonly endLsn: string }
  }[]
  const backups = list.map(({ snapshot, postgres: { timeline, startLsn, endLsn } }) => ({
    id: snapshot,
    ...{ timeline, startLsn, endLsn },
  }))
  await writeFile(file, JSON.stringify(backups))
  return ['--backups', file]
}

export interface Resolved {
  readonly lsn: string
  readonly inclusive: boolean
  readonly backup: { readonly id: string; readonly endLsn: string }
  readonly before: readonly { readonly xid: number }[]
  readonly after: readonly { readonly xid: number }[]
}

/** What the product makes of a target: one place, or a refusal with its text. */
export async function resolve(args: readonly string[]): Promise<Resolved | string> {
  const { code, stdout, stderr } = await pointzero(['points', ...args, '--json'])
  if (code === 0) return JSON.parse(stdout) as Resolved
  assert.equal(code, 3, stdout + stderr)
  return stdout + stderr
}
