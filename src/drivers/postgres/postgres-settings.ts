import { join } from 'node:path'
import { settingIn, withSetting } from './configuration-text.ts'
import type { PostgresMemberConfig } from './member-config.ts'
import { makeOwnedDirectory, readIfExists, replaceOwnedFile } from './owned-file.ts'
import { placeTlsOrKeep, tlsSettings } from './member-tls.ts'
import { quoteConfigurationValue, quotePassFileField, requireAddress } from './quoting.ts'

const settingsFile = 'pointzero.conf'

/** What a member needs to switch quickly and to rejoin; the operator's own lines (config.settings) come after and win. */
const replicationSettings: Readonly<Record<string, string>> = {
  wal_level: 'replica',
  max_wal_senders: '10',
  max_replication_slots: '10',
  superuser_reserved_connections: '5',
  synchronous_commit: 'on',
  // A standby without a slot can be away for this much WAL before it has to be rewound with luck, or cloned.
  wal_keep_size: '256MB',
  // A clone holds WAL back with a slot; one that takes longer than this much WAL is ended by the server.
  max_slot_wal_keep_size: '4GB',
  // The default of 5 s is a constant in everybody's failover.
  wal_retrieve_retry_interval: '200ms',
  wal_sender_timeout: '5s',
  wal_receiver_timeout: '5s',
  wal_receiver_status_interval: '1s',
  recovery_target_timeline: 'latest',
  // A long query on a standby holds up the replay, and with it a promotion, at most this long.
  max_standby_streaming_delay: '5s',
  password_encryption: 'scram-sha-256',
}

/**
 * Given on the command line, where neither ALTER SYSTEM nor an included file reaches. restart_after_crash: a primary that restarts by
 * itself shows commits that nobody acknowledged, and comes up as a primary (restart hole).
 */
export function fixedSettings(config: PostgresMemberConfig): readonly string[] {
  const fixed: Readonly<Record<string, string>> = {
    listen_addresses: listenAddresses(config.address),
    port: String(config.port),
    unix_socket_directories: `"${config.socketDirectory.replaceAll('"', '""')}"`,
    restart_after_crash: 'off',
    hot_standby: 'on',
    wal_log_hints: 'on',
    logging_collector: 'off',
    log_destination: 'stderr',
  }
  return commandLine(fixed)
}

export function commandLine(settings: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/** Members that share a machine have loopback addresses of their own, and 127.0.0.1 then belongs to none of them. */
function listenAddresses(address: string): string {
  const own = requireAddress(address)
  return own.startsWith('127.') || own === '::1' || own === 'localhost' ? own : `${own}, 127.0.0.1`
}

/** In our own file, which every start writes anew: a server that starts accepts writes, whatever it did before. */
const writeRefusal = 'default_transaction_read_only'

/** What the file of ours says to a server that reads it again. */
export async function refusesWritesOnDisk({ dataDirectory }: PostgresMemberConfig): Promise<boolean> {
  const text = await readIfExists(join(dataDirectory, settingsFile))
  return text !== undefined && settingIn(text, writeRefusal) === 'on'
}

/** Written before every start: a cloned or rewound directory carries the files of its source. */
export async function writeSettings(config: PostgresMemberConfig, refusesWrites = false): Promise<void> {
  const { dataDirectory, runAs } = config
  const settings = {
    ...replicationSettings,
    ...config.settings,
    ...tlsSettings(config),
    ...(refusesWrites ? { [writeRefusal]: 'on' } : {}),
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${quoteConfigurationValue(value)}`)
  const text = ['# Written by Pointzero before every start; changes are lost.', ...lines, ''].join('\n')
  const path = join(dataDirectory, settingsFile)
  if ((await readIfExists(path)) !== text) await replaceOwnedFile(path, text, runAs)
  const mainPath = join(dataDirectory, 'postgresql.conf')
  const main = (await readIfExists(mainPath)) ?? ''
  const include = `include_if_exists '${settingsFile}'`
  if (!main.split('\n').includes(include)) await replaceOwnedFile(mainPath, `${main}\n${include}\n`, runAs)
}

export function passFilePath(config: PostgresMemberConfig): string {
  return join(config.socketDirectory, `.pgpass-${config.port}`)
}

/** The socket directory, with password file and certificate in it: outside the data directory, so that no backup carries a secret of this host. */
export async function prepareSocketDirectory(config: PostgresMemberConfig): Promise<void> {
  await makeOwnedDirectory(config.socketDirectory, config.runAs)
  await placeTlsOrKeep(config)
  if (config.password === undefined) return
  const text = `*:*:*:*:${quotePassFileField(config.password)}\n`
  const path = passFilePath(config)
  if ((await readIfExists(path)) !== text) await replaceOwnedFile(path, text, config.runAs)
}

/** primary_conninfo as postgresql.auto.conf has it; `undefined` when that file does not set it. */
export async function readUpstreamOnDisk(dataDirectory: string): Promise<string | undefined> {
  const text = await readIfExists(join(dataDirectory, 'postgresql.auto.conf'))
  return text === undefined ? undefined : settingIn(text, 'primary_conninfo')
}

/** For a stopped member: what ALTER SYSTEM does on a running one. */
export async function writeUpstreamOnDisk(config: PostgresMemberConfig, conninfo: string): Promise<void> {
  const path = join(config.dataDirectory, 'postgresql.auto.conf')
  const text = (await readIfExists(path)) ?? '# Do not edit this file manually!\n'
  const changed = withSetting(text, 'primary_conninfo', conninfo)
  if (changed !== text) await replaceOwnedFile(path, changed, config.runAs)
}
