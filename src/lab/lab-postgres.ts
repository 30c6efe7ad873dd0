import { appendFileSync, existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunAs } from '../domain/process-config.ts'
import { initialisePrimary } from '../drivers/postgres/initialise-primary.ts'
import { prepareEmbeddedPostgres } from '../platform/embedded-postgres.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { labDatabase } from './lab-estate.ts'
import { hostPaths } from './lab-paths.ts'
import { labPorts } from './lab-ports.ts'
import type { LabState } from './lab-state.ts'

export interface LabPostgres {
  readonly binDirectory: string
  readonly kind: 'system' | 'embedded'
  /** PostgreSQL refuses to be root. */
  readonly runAs?: RunAs
}

/** The system's newest PostgreSQL from 15 on, with pg_rewind; else a private copy of the embedded one. */
export async function findPostgres(state: LabState, wanted?: LabPostgres['kind']): Promise<LabPostgres> {
  const user = serverUser()
  const system = wanted === 'embedded' ? undefined : systemBinaries()
  if (system !== undefined) return { binDirectory: system, kind: 'system', ...user }
  if (wanted === 'system') {
    throw new RecoveryError({
      code: 'LAB_NO_POSTGRES',
      class: 'permanent',
      message: 'there is no /usr/lib/postgresql/<15 or later>/bin',
      hint: 'apt-get install postgresql, or leave --postgres out to use the embedded one',
    })
  }
  const binDirectory = await prepareEmbeddedPostgres(join(state.directory, 'postgres-programs'))
  return { binDirectory, kind: 'embedded', ...user }
}

/** An empty cluster on the first zone's host, stopped: the product brings it up and the other members in. */
export async function makePrimary(state: LabState, postgres: LabPostgres, password: string): Promise<void> {
  const paths = hostPaths(state.directory, 'az1')
  await initialisePrimary({
    name: 'ledger-az1',
    binDirectory: postgres.binDirectory,
    dataDirectory: paths.data,
    address: state.hosts.find(({ name }) => name === 'az1')?.address ?? '',
    port: labPorts.postgres,
    superuser: labDatabase.user,
    database: labDatabase.database,
    password,
    ...(postgres.runAs === undefined ? {} : { runAs: postgres.runAs }),
    socketDirectory: paths.sockets,
    logFile: join(paths.directory, 'postgres', 'server.log'),
    tls: paths.tls,
    canaryKey: readFileSync(paths.canaryKey, 'utf8').trim(),
  })
  appendFileSync(join(paths.data, 'postgresql.conf'), labSettings)
}

/** Copied to the standbys with everything else. Shared memory in files of the data directory: a killed server leaves none in /dev/shm. */
const labSettings = `
# A lab is made to be killed.
dynamic_shared_memory_type = mmap
shared_buffers = 32MB
# The capture has a slot: it may never fill the disk of a primary.
max_slot_wal_keep_size = 512MB
`

function systemBinaries(): string | undefined {
  return globSync('/usr/lib/postgresql/*/bin')
    .map((path) => ({ path, major: Number(path.split('/')[4]) }))
    .filter(({ path, major }) => major >= 15 && existsSync(join(path, 'initdb')))
    .toSorted((a, b) => b.major - a.major)[0]?.path
}

/** `postgres` where there is one, else `nobody`; nothing at all when this process is not root. */
export function serverUser(): { readonly runAs?: RunAs } {
  if (process.getuid?.() !== 0) return {}
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const found = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody')
  return { runAs: { uid: Number(found?.[2] ?? 65534), gid: Number(found?.[3] ?? 65534) } }
}
