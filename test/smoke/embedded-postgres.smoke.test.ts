// What `npm start` falls back on where the system has no PostgreSQL must work without root and without system packages.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { prepareEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'

/** PostgreSQL refuses to run as root; then its processes become `nobody`. */
const identity = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}

test('the embedded PostgreSQL keeps a committed row through a crash', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pointzero-smoke-'))
  const port = await freePort()
  let server: ChildProcess | undefined
  try {
    const programs = await prepareEmbeddedPostgres(join(folder, 'postgresql'))
    const data = createCluster(folder, programs)
    server = start(programs, data, port)
    await query(port, 'CREATE TABLE ledger (amount int)')
    await query(port, 'INSERT INTO ledger VALUES (42)')
    await end(server, 'SIGKILL')
    // Its children notice that the postmaster is gone; a new one refuses to start before they are.
    await sleep(1000)
    server = start(programs, data, port)
    assert.deepEqual(await query(port, 'SELECT amount FROM ledger'), [{ amount: 42 }])
  } finally {
    if (server !== undefined) await end(server, 'SIGINT')
    rmSync(folder, { recursive: true })
  }
})

function createCluster(folder: string, programs: string): string {
  const data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
  for (const path of [folder, data]) chownSync(path, identity.uid ?? -1, identity.gid ?? -1)
  const args = ['-D', data, '-U', 'pointzero', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']
  const { status, stderr } = spawnSync(join(programs, 'initdb'), args, {
    ...identity,
    cwd: folder,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  return data
}

function start(programs: string, data: string, port: number): ChildProcess {
  const settings = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    'unix_socket_directories=',
    'shared_buffers=16MB',
  ]
  const args = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])]
  return spawn(join(programs, 'postgres'), args, {
    ...identity,
    cwd: dirname(data),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const ended = once(server, 'exit')
  server.kill(signal)
  await ended
}

/** Asks again until the server answers: it may still be starting or recovering. */
async function query(port: number, sql: string): Promise<readonly unknown[]> {
  const deadlineMs = performance.now() + 30_000
  for (;;) {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'pointzero', database: 'postgres' })
    try {
      await client.connect()
    } catch (error) {
      if (performance.now() > deadlineMs) throw error
      await sleep(100)
      continue
    }
    try {
      return (await client.query(sql)).rows
    } finally {
      await client.end()
    }
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
