import type { AgentPostgresConfig } from '../../domain/process-config.ts'
import type { PostgresMemberConfig } from '../../drivers/postgres/member-config.ts'
import type { Host, PostgresComponent, PostgresMember } from '../../estate/estate.ts'
import { readBytes } from '../read-json.ts'
import { secretOf } from '../secret-reference.ts'

/** How the agent of a host drives a member of its own. */
export async function ownMember(
  host: Host,
  cluster: PostgresComponent,
  member: PostgresMember,
  { runAs, tls, binDirectory, socketDirectory, logFile, canaryKeyFile }: AgentPostgresConfig,
): Promise<PostgresMemberConfig> {
  const password =
    cluster.passwordRef === undefined ? undefined : await secretOf(cluster.passwordRef, process.env)
  return {
    name: member.name,
    binDirectory,
    dataDirectory: member.dataDirectory,
    address: host.address,
    port: member.port,
    superuser: cluster.user,
    database: cluster.database,
    ...(password === undefined ? {} : { password }),
    ...(runAs === undefined ? {} : { runAs }),
    ...(tls === undefined ? {} : { tls }),
    socketDirectory,
    logFile,
    canaryKey: new TextDecoder().decode(await readBytes(canaryKeyFile)).trim(),
  }
}
