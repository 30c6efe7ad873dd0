import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ConnectionOptions } from 'node:tls'
import { Client } from 'pg'
import { RecoveryError } from '../../src/domain/recovery-error.ts'
import { openPostgresProbe } from '../../src/drivers/postgres/postgres-probe.ts'
import { presentedCertificate } from '../../src/drivers/postgres/presented-certificate.ts'
import type { EstateAuthority } from '../../src/platform/certificates.ts'
import { issueFiles, newAuthority } from '../support/member-certificates.ts'
import {
  eventually,
  postmasterPid,
  PostgresEstate,
  requireSystemPostgres,
  systemPostgres,
} from '../support/postgres-estate.ts'
import type { Node } from '../support/postgres-estate.ts'
import { clock } from '../support/system-time.ts'

function code(wanted: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof RecoveryError, String(error))
    assert.equal(error.code, wanted, error.message)
    return true
  }
}

/** One statement over the network, as a client that knows the authority, or with `ssl` as somebody else. */
async function ask(node: Node, text: string, ssl?: ConnectionOptions | false): Promise<unknown> {
  const { address, port, superuser: user, database, password, tls } = node.config
  const ca = tls === undefined ? undefined : await readFile(tls.ca, 'utf8')
  const usual = ca === undefined ? false : { ca, host: address }
  const client = new Client({ host: address, port, user, database, password, ssl: ssl ?? usual })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return ((await client.query(text)).rows[0] as { readonly answer: unknown }).answer
  } finally {
    await client.end()
  }
}

async function fingerprint(path: string): Promise<string> {
  return new X509Certificate(await readFile(path)).fingerprint256
}

async function presented({ config }: Node): Promise<string | undefined> {
  const { name, address, port, tls } = config
  assert.ok(tls !== undefined)
  const authority = await readFile(tls.ca, 'utf8')
  return await presentedCertificate(clock, { name, address, port, authority }, 3_000)
}

async function streams(node: Node, upstream: Node): Promise<void> {
  await eventually(`${node.config.name} streams`, async () => {
    const { streaming, upstream: from } = await node.member.observe()
    return streaming === true && from === `127.0.0.1:${upstream.config.port}` ? true : undefined
  })
}

describe('members with certificates', () => {
  let estate: PostgresEstate
  let authority: EstateAuthority
  let a: Node
  let b: Node

  before(async () => {
    requireSystemPostgres()
    estate = await PostgresEstate.open(systemPostgres)
    authority = newAuthority()
    const files = async (name: string) => await issueFiles(join(estate.root, `${name}-tls`), authority)
    a = await estate.node('a', { tls: await files('a') })
    b = await estate.node('b', { tls: await files('b') })
    await estate.primary(a)
    await estate.standby(b, a)
  })

  after(async () => {
    await estate.close()
  })

  test('clones, and streams encrypted, from an upstream whose certificate it verified', async () => {
    const { standbys = [] } = await eventually('the primary sees it', async () => {
      const seen = await a.member.observe()
      return seen.standbys?.length === 1 ? seen : undefined
    })
    assert.equal(standbys[0]?.encrypted, true)
    const conninfo = String(await ask(b, `select current_setting('primary_conninfo') as answer`))
    assert.match(
      conninfo,
      /sslmode='verify-full' sslrootcert='[^']+ca\.pem' ssl_min_protocol_version='TLSv1\.3'/,
    )
    const version = `select version as answer from pg_stat_ssl join pg_stat_replication using (pid)`
    assert.equal(await ask(a, version), 'TLSv1.3')
  })

  test('lets nobody in over the network who does not ask for encryption, nor with an old protocol', async () => {
    await assert.rejects(ask(a, 'select 1 as answer', false), { code: '28000', message: /no encryption/ })
    const old: ConnectionOptions = { rejectUnauthorized: false, maxVersion: 'TLSv1.2' }
    await assert.rejects(ask(a, 'select 1 as answer', old), /protocol version|ssl|tls/i)
    assert.equal(await ask(a, 'select 1 as answer'), 1)
  })

  test('keeps its key where only the server can read it, outside of what a base backup copies', async () => {
    const path = join(a.config.socketDirectory, 'tls', 'identity.pem')
    const { mode, uid } = await stat(path)
    assert.equal(mode & 0o777, 0o600)
    assert.equal(uid, a.config.runAs?.uid ?? process.getuid?.())
    const names = await readdir(b.config.dataDirectory, { recursive: true })
    assert.deepEqual(
      names.filter((name) => /\.(pem|key|crt)$/.test(name)),
      [],
    )
  })

  test('is probed without a line in its log', async () => {
    const before = await readFile(a.config.logFile, 'utf8')
    const probe = openPostgresProbe(clock)
    for (let n = 0; n < 5; n++) assert.equal(await probe.answers('127.0.0.1', a.config.port, 2_000), true)
    await clock.sleep(500)
    const lines = (await readFile(a.config.logFile, 'utf8')).slice(before.length)
    assert.doesNotMatch(lines, /SSL|GSS|startup packet|could not/)
  })

  test('shows a renewed certificate without a restart, and goes on streaming', async () => {
    assert.equal(await a.member.isRenewalDue?.(), false)
    const pid = await postmasterPid(a)
    const before = await presented(a)
    const { cert } = await issueFiles(join(estate.root, 'a-tls'), authority)
    assert.equal(await a.member.isRenewalDue?.(), true)
    await a.member.renewCertificate?.()
    assert.equal(await presented(a), await fingerprint(cert))
    assert.notEqual(await presented(a), before)
    assert.equal(await a.member.isRenewalDue?.(), false)
    assert.equal(await postmasterPid(a), pid)
    await streams(b, a)
    const { certificate } = await a.member.observe()
    assert.equal(certificate?.problem, undefined)
    assert.ok((certificate?.validUntilMs ?? 0) > Date.now() + 800 * 86_400_000)
  })

  test('a key that does not belong to the certificate replaces nothing, is named, and keeps no server down', async () => {
    const { key } = b.config.tls ?? assert.fail()
    const good = await readFile(key, 'utf8')
    const before = await presented(b)
    await writeFile(key, await readFile(a.config.tls?.key ?? '', 'utf8'))
    await assert.rejects(async () => await b.member.isRenewalDue?.(), code('PG_CERTIFICATE_UNUSABLE'))
    assert.match((await b.member.observe()).certificate?.problem ?? '', /is not the key of/)
    await b.member.stopImmediate()
    await b.member.startAsStandby()
    assert.equal(await presented(b), before)
    await writeFile(key, good)
    assert.equal(await b.member.isRenewalDue?.(), false)
    assert.equal((await b.member.observe()).certificate?.problem, undefined)
  })

  test('does not follow an upstream of another authority, and says so', async () => {
    await b.member.stopClean()
    const other = await issueFiles(join(estate.root, 'other-tls'), newAuthority())
    const stranger = estate.open({ ...b.config, tls: other })
    await stranger.member.startAsStandby()
    await assert.rejects(stranger.member.follow(a.upstream), (error) => {
      assert.match((error as Error).message, /TLS failed/)
      return code('PG_TLS_FAILED')(error)
    })
    assert.notEqual((await stranger.member.observe()).streaming, true)
    await stranger.member.stopClean()
    await assert.rejects(stranger.member.rejoin(a.upstream), code('PG_TLS_FAILED'))
    stranger.member.close()
    await b.member.startAsStandby()
    await b.member.follow(a.upstream)
  })

  test('does not follow an upstream whose certificate is for another address, or expired', async () => {
    const bad = [
      { addresses: ['10.9.9.9'], problem: /does not show/ },
      { nowMs: Date.now() - 10 * 86_400_000, days: 2, problem: /expired at/ },
    ]
    for (const { problem, ...request } of bad) {
      await a.member.stopClean()
      await issueFiles(join(estate.root, 'a-tls'), authority, request)
      await a.member.startAsStandby()
      await a.member.promote()
      await assert.rejects(b.member.follow(a.upstream), code('PG_TLS_FAILED'))
      await a.member
        .isRenewalDue?.()
        .then(async (isDue) => (isDue ? await a.member.renewCertificate?.() : undefined))
        .catch(() => undefined)
      assert.match((await a.member.observe()).certificate?.problem ?? '', problem)
    }
    await issueFiles(join(estate.root, 'a-tls'), authority)
    await a.member.renewCertificate?.()
    assert.equal((await a.member.observe()).certificate?.problem, undefined)
    await b.member.follow(a.upstream)
    await streams(b, a)
  })

  test('a failover, and a rewind of the old primary, are encrypted too', async () => {
    await b.member.detach()
    await ask(a, 'select pg_switch_wal()::text as answer')
    await a.member.stopImmediate()
    await b.member.promote()
    await ask(b, 'select pg_switch_wal()::text as answer')
    assert.equal((await a.member.rejoin(b.upstream)).method, 'rewind')
    // Until it has what the source wrote meanwhile, it accepts no session: the upstream is named first, as a run does it.
    await a.member.follow(b.upstream)
    await a.member.startAsStandby()
    await streams(a, b)
    assert.equal((await b.member.observe()).standbys?.[0]?.encrypted, true)
  })
})

describe('members without certificates', () => {
  let estate: PostgresEstate

  before(async () => {
    estate = await PostgresEstate.open(systemPostgres)
  })

  after(async () => {
    await estate.close()
  })

  test('go on as before, say that nothing is encrypted, and begin to when they are given some', async () => {
    const [a, b] = [await estate.node('a'), await estate.node('b')]
    await estate.primary(a)
    await estate.standby(b, a)
    const seen = await eventually('the primary sees it', async () => {
      const one = await a.member.observe()
      return one.standbys?.length === 1 ? one : undefined
    })
    assert.equal(seen.standbys?.[0]?.encrypted, false)
    assert.equal(seen.certificate, undefined)
    assert.equal(await a.member.isRenewalDue?.(), false)
    const authority = newAuthority()
    const withTls = async (node: Node): Promise<Node> => {
      node.member.close()
      const tls = await issueFiles(join(estate.root, `${node.config.name}-tls`), authority)
      const now = estate.open({ ...node.config, tls })
      assert.equal(await now.member.isRenewalDue?.(), true)
      await now.member.renewCertificate?.()
      assert.equal(await presented(now), await fingerprint(tls.cert))
      return now
    }
    const primary = await withTls(a)
    const standby = await withTls(b)
    await standby.member.follow(primary.upstream)
    await eventually('it streams encrypted', async () => {
      const { standbys = [] } = await primary.member.observe()
      return standbys[0]?.encrypted
    })
  })
})
