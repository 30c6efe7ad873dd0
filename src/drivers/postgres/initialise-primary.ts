import { chown, mkdir, open, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readControlFile } from './control-file.ts'
import type { PostgresMemberConfig } from './member-config.ts'
import { makeOwnedDirectory, replaceOwnedFile } from './owned-file.ts'
import { permanent, refused } from './postgres-failure.ts'
import { prepareSocketDirectory, writeSettings } from './postgres-settings.ts'
import { quoteIdentifier } from './quoting.ts'
import { runProgram } from './run-program.ts'
import { writeStandbySignal } from './standby-signal.ts'

/** With a certificate to show, nobody is let in over a network who does not ask for it. */
function hostBasedAccess({ tls }: PostgresMemberConfig): string {
  const host = tls === undefined ? 'host' : 'hostssl'
  return `# Written by Pointzero when the cluster was made.
local all all scram-sha-256
local replication all scram-sha-256
${host} all all all scram-sha-256
${host} replication all all scram-sha-256
`
}

/**
 * Makes a new cluster with checksums and the database, and leaves it stopped: like every member it is started as a standby, and
 * becomes the primary by being promoted.
 */
export async function initialisePrimary(
  config: PostgresMemberConfig,
): Promise<{ readonly systemIdentifier: string }> {
  const { dataDirectory, runAs, name } = config
  await makeOwnedDirectory(dirname(dataDirectory), runAs)
  await requireEmpty(name, dataDirectory)
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 })
  if (runAs !== undefined) await chown(dataDirectory, runAs.uid, runAs.gid)
  await prepareSocketDirectory(config)
  await initialise(config)
  await replaceOwnedFile(join(dataDirectory, 'pg_hba.conf'), hostBasedAccess(config), runAs)
  await writeSettings(config)
  await createDatabase(config)
  await writeStandbySignal(dataDirectory, runAs)
  const control = await readControlFile(dataDirectory)
  if (control?.state !== 'shut down') throw failed(name, 'initdb', 'it left no cleanly stopped cluster')
  return { systemIdentifier: control.systemIdentifier }
}

async function initialise(config: PostgresMemberConfig): Promise<void> {
  const passwordFile = `${config.dataDirectory}.pwfile`
  const file = await open(passwordFile, 'w', 0o600)
  try {
    await file.writeFile(`${config.password ?? ''}\n`)
    if (config.runAs !== undefined) await file.chown(config.runAs.uid, config.runAs.gid)
  } finally {
    await file.close()
  }
  try {
    const password = config.password === undefined ? [] : [`--pwfile=${passwordFile}`]
    const locale = ['--encoding=UTF8', '--locale=C']
    const args = [
      '-D',
      config.dataDirectory,
      '-U',
      config.superuser,
      ...locale,
      '--data-checksums',
      ...password,
    ]
    const { exitCode, output } = await runProgram(config, 'initdb', [...args, '--auth=scram-sha-256'])
    if (exitCode !== 0) throw failed(config.name, 'initdb', output)
  } finally {
    await rm(passwordFile, { force: true })
  }
}

/** In single-user mode: no socket is opened before the access rules are in place. */
async function createDatabase(config: PostgresMemberConfig): Promise<void> {
  if (config.database === 'postgres') return
  const statement = `create database ${quoteIdentifier(config.database)}\n`
  if (statement.trim().includes('\n'))
    throw failed(config.name, 'create database', 'a line break in its name')
  const args = ['--single', '-j', '-D', config.dataDirectory, 'postgres']
  const { output } = await runProgram(config, 'postgres', args, statement)
  if (/ERROR|FATAL|PANIC/.test(output)) throw failed(config.name, 'create database', output)
}

async function requireEmpty(name: string, directory: string): Promise<void> {
  const entries = await readdir(directory).catch(() => [])
  if (entries.length === 0) return
  const hint = 'name an empty directory; an existing cluster is adopted, never initialised again'
  throw refused('PG_DIRECTORY_NOT_EMPTY', `${name}: ${directory} is not empty`, hint)
}

function failed(name: string, program: string, output: string): Error {
  const message = `${name}: ${program} failed: ${output.trim().split('\n').slice(-3).join(' | ')}`
  return permanent('PG_INITIALISE_FAILED', message, 'remove what was made and try again')
}
