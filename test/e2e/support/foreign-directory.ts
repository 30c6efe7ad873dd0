import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { hostPaths } from '../../../src/lab/lab-paths.ts'
import { findPostgres } from '../../../src/lab/lab-postgres.ts'
import { mustRun } from '../../../src/lab/run-command.ts'
import type { ZoneHostName } from '../../../src/lab/lab-host.ts'
import type { Bench } from './bench.ts'

/** Somebody else's database in the place of a member's. Nothing of the member may run. */
export interface ForeignDirectory {
  /** Over the content and name of every file: whatever is written in there shows. */
  digest(): string
  /** Whatever stood there before is back. */
  remove(): void
}

export async function putForeignDirectory({ lab }: Bench, host: ZoneHostName): Promise<ForeignDirectory> {
  const { data } = hostPaths(lab.state.directory, host)
  const { binDirectory } = await findPostgres(lab.state, 'system')
  const own = `${data}.own`
  if (existsSync(data)) renameSync(data, own)
  await mustRun(['install', '-d', '-o', 'postgres', '-g', 'postgres', '-m', '0700', join(data, '..')])
  await mustRun([
    ...['runuser', '-u', 'postgres', '--', join(binDirectory, 'initdb')],
    ...['--no-sync', '--auth=trust', '-D', data],
  ])
  return {
    digest: () => digestOf(data),
    remove() {
      rmSync(data, { recursive: true })
      if (existsSync(own)) renameSync(own, data)
    },
  }
}

function digestOf(directory: string): string {
  const hash = createHash('sha256')
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
  for (const file of files
    .map((one) => ({ path: join(one.parentPath, one.name), isFile: one.isFile() }))
    .toSorted(byPath)) {
    hash.update(`${file.path}\n`)
    if (file.isFile) hash.update(readFileSync(file.path))
  }
  return hash.digest('hex')
}

function byPath(left: { readonly path: string }, right: { readonly path: string }): number {
  return left.path < right.path ? -1 : 1
}
