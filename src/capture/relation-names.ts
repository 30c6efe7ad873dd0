import { canonicalJson } from '../domain/canonical-json.ts'
import type { ArchiveDirectory } from '../ports/archive-directory.ts'
import type { ArchiveReader } from '../ports/recovery-source.ts'
import type { PostgresConnection } from '../protocol/postgres-connection.ts'
import type { RelationFile } from '../protocol/wal-record-content.ts'
import { encode, namesFolder, parsed, writeDurably } from './archive-layout.ts'

/** Which relation a file was at a time. WAL knows files only; a dropped table is in no catalogue any more, so names are noted before. */
export interface RelationName {
  readonly database: number
  readonly file: number
  /** As SQL writes it: database, schema and name. */
  readonly databaseName: string
  readonly schema: string
  readonly name: string
  /** pg_class.relkind: r table, i index, t toast, m materialized view, S sequence. */
  readonly kind: string
  /** pg_class.reltuples: an estimate, -1 when nobody counted. */
  readonly rows: number
}

const format = 'pointzero/relation-names/1'

/** The relations of the database that the session is in. */
export async function readRelationNames(connection: PostgresConnection): Promise<readonly RelationName[]> {
  const [result] = await connection.simpleQuery(
    `select d.oid, pg_relation_filenode(c.oid), d.datname, n.nspname, c.relname, c.relkind, c.reltuples::bigint
       from pg_class c join pg_namespace n on n.oid = c.relnamespace, pg_database d
      where d.datname = current_database() and pg_relation_filenode(c.oid) is not null and c.relpersistence = 'p'
        and not c.relisshared and n.nspname not in ('pg_catalog', 'information_schema')
      order by 2`,
    { repeatable: true },
  )
  return (result?.rows ?? []).map((row) => {
    const [database = '0', file = '0', databaseName = '', schema = '', name = '', kind = '', rows = '-1'] =
      row.map((text) => text ?? '')
    return {
      database: Number(database),
      file: Number(file),
      databaseName,
      schema,
      name,
      kind,
      rows: Number(rows),
    }
  })
}

/** Connectable databases that hold an application's data. */
export async function listDatabases(connection: PostgresConnection): Promise<readonly string[]> {
  const [result] = await connection.simpleQuery(
    'select datname from pg_database where datallowconn and not datistemplate order by 1',
    { repeatable: true },
  )
  return (result?.rows ?? []).flatMap(([name]) => name ?? [])
}

/** Notes the names durably; `sequence` orders the files and is higher than that of every earlier one. */
export async function noteRelationNames(
  archive: ArchiveDirectory,
  names: readonly RelationName[],
  stamp: { readonly sequence: number; readonly atMs: number },
): Promise<void> {
  const content = { format, atMs: stamp.atMs, relations: names.map((name) => ({ ...name })) }
  const path = `${namesFolder}/${String(stamp.sequence).padStart(10, '0')}.json`
  await writeDurably(archive, path, encode(`${canonicalJson(content)}\n`))
}

export type NameOf = (relation: RelationFile) => RelationName | undefined

/** Every name that was ever noted; of a file that was noted more than once the last. */
export interface NotedNames {
  readonly nameOf: NameOf
  /** By its oid. */
  readonly databaseNameOf: (database: number) => string | undefined
}

export async function loadRelationNames(
  archive: ArchiveReader,
): Promise<NotedNames & { readonly lastSequence: number; readonly last: readonly RelationName[] }> {
  const byFile = new Map<string, RelationName>()
  const databases = new Map<number, string>()
  let lastSequence = 0
  let last: readonly RelationName[] = []
  for (const name of await archive.list(namesFolder)) {
    const path = `${namesFolder}/${name}`
    const text = new TextDecoder().decode(await archive.read(path, 0, (await archive.sizeOf(path)) ?? 0))
    const content = parsed(text) as
      | { readonly format?: string; readonly relations?: readonly RelationName[] }
      | undefined
    lastSequence = Math.max(lastSequence, Number.parseInt(name, 10) || 0)
    // A file that a crash cut short is noted again the next time.
    if (content?.format !== format) continue
    last = content.relations ?? []
    for (const relation of last) {
      byFile.set(`${relation.database}/${relation.file}`, relation)
      databases.set(relation.database, relation.databaseName)
    }
  }
  return {
    nameOf: ({ database, file }) => byFile.get(`${database}/${file}`),
    databaseNameOf: (database) => databases.get(database),
    lastSequence,
    last,
  }
}
