import { join } from 'node:path'
import type { RecoveryGoal } from '../../ports/database-recovery.ts'
import type { PostgresMemberConfig } from './member-config.ts'

/** Whoever may open the socket, whose directory only the server's user may enter, is let in: the copy may know older passwords. */
export const isolatedAccess = 'local all all trust\n'

/**
 * Given on the command line, where no file of the copy reaches: it brings the settings of production along, and may archive over production's
 * WAL, stream from it, run its jobs or publish to the outside (T10). Nothing here is written into the copy.
 */
export function isolatedSettings(
  config: Pick<PostgresMemberConfig, 'port' | 'socketDirectory' | 'dataDirectory'>,
  root: string,
  goal: RecoveryGoal | undefined,
): readonly string[] {
  const fixed: Readonly<Record<string, string>> = {
    // A configuration that names the data directory of production would start that one.
    data_directory: config.dataDirectory,
    external_pid_file: '',
    listen_addresses: '',
    bonjour: 'off',
    port: String(config.port),
    unix_socket_directories: `"${config.socketDirectory.replaceAll('"', '""')}"`,
    unix_socket_group: '',
    unix_socket_permissions: '0700',
    hba_file: join(root, 'access.conf'),
    ssl: 'off',
    archive_mode: 'off',
    archive_command: '',
    archive_library: '',
    restore_command: '',
    archive_cleanup_command: '',
    recovery_end_command: '',
    primary_conninfo: '',
    primary_slot_name: '',
    synchronous_standby_names: '',
    shared_preload_libraries: '',
    session_preload_libraries: '',
    local_preload_libraries: '',
    max_logical_replication_workers: '0',
    autovacuum: 'off',
    restart_after_crash: 'off',
    hot_standby: 'on',
    wal_log_hints: 'on',
    wal_retrieve_retry_interval: '200ms',
    logging_collector: 'off',
    log_destination: 'stderr',
    recovery_min_apply_delay: '0',
    recovery_target: '',
    recovery_target_name: '',
    recovery_target_time: '',
    recovery_target_xid: '',
    recovery_target_lsn: goal?.lsn ?? '',
    recovery_target_inclusive: goal?.inclusive === true ? 'on' : 'off',
    recovery_target_timeline: goal === undefined ? 'latest' : String(goal.timeline),
    recovery_target_action: 'pause',
  }
  return Object.entries(fixed).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/**
 * What roles and databases of the copy set for their sessions wins over the command line; this wins over that. Nothing is loaded, a check may make
 * its extension and roll it back, and takes the time that it takes.
 */
export const isolatedSessionSettings: Readonly<Record<string, string>> = {
  session_preload_libraries: '',
  local_preload_libraries: '',
  default_transaction_read_only: 'off',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
}

/** What a server that runs must say of itself, or it is not one that we started. */
export function provenSettings(
  { dataDirectory }: Pick<PostgresMemberConfig, 'dataDirectory'>,
  root: string,
): Readonly<Record<string, string>> {
  return {
    data_directory: dataDirectory,
    hba_file: join(root, 'access.conf'),
    external_pid_file: '',
    listen_addresses: '',
    archive_mode: 'off',
    restore_command: '',
    primary_conninfo: '',
    primary_slot_name: '',
    shared_preload_libraries: '',
    session_preload_libraries: '',
    max_logical_replication_workers: '0',
  }
}
