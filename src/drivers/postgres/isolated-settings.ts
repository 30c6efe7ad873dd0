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
  config: Pick<PostgresMemberConfig, 'port' | 'socketDirectory'>,
  root: string,
  goal: RecoveryGoal | undefined,
): readonly string[] {
  const fixed: Readonly<Record<string, string>> = {
    listen_addresses: '',
    port: String(config.port),
    unix_socket_directories: `"${config.socketDirectory.replaceAll('"', '""')}"`,
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
