import { waitUntil } from './deadline.ts'
import { readControlFile } from './control-file.ts'
import type { PostgresEffects, PostgresMemberConfig } from './member-config.ts'
import { permanent, refused, unreachable } from './postgres-failure.ts'
import { endOfLog } from './postgres-log.ts'
import { PostgresSession } from './postgres-session.ts'
import type { SessionTarget } from './postgres-session.ts'
import { commandLine, fixedSettings, prepareSocketDirectory, writeSettings } from './postgres-settings.ts'
import type { Postmaster } from './postmaster.ts'
import { writeStandbySignal } from './standby-signal.ts'

/** Crash recovery replays what the last checkpoint left; the caller asks again when it takes longer. */
const readyMs = 120_000

/** Whatever it was, it comes up in recovery: the signal file is durable before the postmaster exists. Idempotent. `extra` ranks above the owner's settings. */
export async function startStandby(
  config: PostgresMemberConfig,
  { clock }: PostgresEffects,
  postmaster: Postmaster,
  target: SessionTarget,
  extra: Readonly<Record<string, string>> = {},
): Promise<void> {
  if ((await postmaster.find()) === undefined) {
    if ((await readControlFile(config.dataDirectory)) === undefined) {
      const hint = 'let it rejoin: the agent clones it from its upstream'
      throw permanent('PG_NOT_INITIALISED', `${config.name}: no cluster in ${config.dataDirectory}`, hint)
    }
    // Backends of a dead postmaster hold its shared memory and could still write.
    await postmaster.killAll()
    await prepareSocketDirectory(config)
    await writeSettings(config)
    await writeStandbySignal(config.dataDirectory, config.runAs)
    await postmaster.start([...fixedSettings(config), ...commandLine(extra)])
  }
  const recovering = await waitUntil(clock, readyMs, 20, async () => {
    if ((await postmaster.find()) === undefined) throw await notStarted(config)
    return await isRecovering(clock, target)
  })
  if (recovering === undefined) throw unreachable(config.name, `it accepts no session after ${readyMs} ms`)
  if (recovering) return
  const hint = 'fence it first: a primary is never restarted behind its clients'
  throw refused('PG_IS_PRIMARY', `${config.name} runs as a primary`, hint)
}

/** `undefined` while no session is accepted. */
async function isRecovering(
  clock: PostgresEffects['clock'],
  target: SessionTarget,
): Promise<boolean | undefined> {
  try {
    const session = await PostgresSession.open(clock, target, 1_000)
    try {
      const [row] = await session.query<{ recovering: boolean }>(
        'select pg_is_in_recovery() as recovering',
        [],
        1_000,
      )
      return row?.recovering
    } finally {
      session.close()
    }
  } catch (error) {
    if ((error as { class?: string }).class === 'transient') return undefined
    throw error
  }
}

async function notStarted(config: PostgresMemberConfig): Promise<Error> {
  const tail = await endOfLog(config.logFile)
  const hint = `read ${config.logFile} on the host`
  return permanent('PG_START_FAILED', `${config.name}: the server ended while it started: ${tail}`, hint)
}
