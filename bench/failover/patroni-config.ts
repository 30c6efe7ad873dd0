import { join } from 'node:path'
import { stringify } from 'yaml'
import { zoneHostNames } from '../../src/lab/lab-host.ts'
import type { ZoneHostName } from '../../src/lab/lab-host.ts'
import type { LabPlace } from './contender.ts'

/** Not those of our own lab, so that neither is ever taken for the other. */
export const patroniPorts = { postgres: 5433, rest: 8008, etcd: 2379, etcdPeer: 2380, gate: 6433 } as const

/**
 * The shortest times that Patroni's documentation allows, strict synchronous mode, and our own replication settings where they make it
 * faster: with the default `wal_retrieve_retry_interval` every failover takes five seconds more.
 */
export function patroniConfig(
  { network, state }: LabPlace,
  host: ZoneHostName,
  binDirectory: string,
): string {
  const address = network.addressOf(host)
  const everybody = `${state.subnet}.0/24`
  return stringify({
    scope: 'bench',
    namespace: '/pointzero-bench/',
    name: host,
    restapi: {
      listen: `${address}:${patroniPorts.rest}`,
      connect_address: `${address}:${patroniPorts.rest}`,
    },
    etcd3: {
      hosts: zoneHostNames.map((zone) => `${network.addressOf(zone)}:${patroniPorts.etcd}`).join(','),
    },
    bootstrap: {
      dcs: {
        ttl: 20,
        loop_wait: 1,
        retry_timeout: 3,
        maximum_lag_on_failover: 1_048_576,
        synchronous_mode: true,
        synchronous_mode_strict: true,
        postgresql: {
          use_pg_rewind: true,
          use_slots: true,
          parameters: {
            wal_log_hints: 'on',
            hot_standby: 'on',
            max_connections: 100,
            shared_buffers: '32MB',
            wal_keep_size: '256MB',
            wal_retrieve_retry_interval: '200ms',
            wal_sender_timeout: '5s',
            wal_receiver_timeout: '5s',
            wal_receiver_status_interval: '1s',
          },
        },
      },
      initdb: [{ encoding: 'UTF8' }, 'data-checksums', { auth: 'trust' }],
      pg_hba: [
        'local all all trust',
        `host all all ${everybody} trust`,
        `host replication all ${everybody} trust`,
      ],
    },
    postgresql: {
      listen: `${address}:${patroniPorts.postgres}`,
      connect_address: `${address}:${patroniPorts.postgres}`,
      data_dir: patroniData(state.directory, host),
      bin_dir: binDirectory,
      pgpass: join(state.directory, host, 'pgpass'),
      authentication: {
        superuser: { username: 'postgres', password: 'bench' },
        replication: { username: 'replicator', password: 'bench' },
        rewind: { username: 'postgres', password: 'bench' },
      },
      parameters: { unix_socket_directories: join(state.directory, host) },
    },
    watchdog: { mode: 'off' },
  })
}

function patroniData(directory: string, host: ZoneHostName): string {
  return join(directory, host, 'data')
}

/** `existing` for a member that comes back with its data. */
export function etcdArguments(
  { network, state }: LabPlace,
  host: ZoneHostName,
  cluster: 'new' | 'existing',
): readonly string[] {
  const client = `http://${network.addressOf(host)}:${patroniPorts.etcd}`
  const peer = (zone: ZoneHostName): string => `http://${network.addressOf(zone)}:${patroniPorts.etcdPeer}`
  const options: Readonly<Record<string, string>> = {
    name: host,
    'data-dir': join(state.directory, host, 'etcd'),
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer(host),
    'initial-advertise-peer-urls': peer(host),
    'initial-cluster': zoneHostNames.map((zone) => `${zone}=${peer(zone)}`).join(','),
    'initial-cluster-state': cluster,
    'log-level': 'warn',
  }
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
}
