import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  authenticationOk,
  complete,
  greeting,
  readyForQuery,
  resultSet,
  ScriptedServer,
  serverError,
  text,
} from '../../test/support/scripted-server.ts'
import type { ByteStream } from '../ports/byte-stream.ts'
import { openPostgresConnection } from './postgres-connection.ts'
import type { PostgresConnectionOptions } from './postgres-connection.ts'
import { encodeMessage, int32, joinBytes } from './postgres-message.ts'

const nonce = 'abcdefghijklmnopqrstuvwx'

function open(stream: ByteStream, options: Partial<PostgresConnectionOptions> = {}) {
  return openPostgresConnection(stream, {
    user: 'pointzero',
    password: 'secret',
    applicationName: 'test',
    nonce: () => nonce,
    tls: { policy: 'disable' },
    ...options,
  })
}

const session = async (...chunks: readonly Uint8Array[]) => {
  const server = new ScriptedServer([greeting(), ...chunks])
  return { server, connection: await open(server) }
}

test('asks for replication and never for an empty parameter', async () => {
  const server = new ScriptedServer([greeting()])
  const connection = await open(server, { replication: 'physical', database: '' })
  assert.match(server.writtenText, /user\0pointzero\0replication\0true\0application_name\0test\0/)
  assert.equal(connection.majorVersion, 15)
  assert.equal(connection.processId, 4711)
})

test('never sends the password in clear text without TLS', async () => {
  const server = new ScriptedServer([encodeMessage('R', int32(3))])
  await assert.rejects(open(server), { code: 'PG_CLEARTEXT_REFUSED', class: 'refused' })
  assert.ok(!server.writtenText.includes('secret'))
  assert.ok(server.closed)
})

test('answers md5 with the digest that the server expects', async () => {
  const server = new ScriptedServer([encodeMessage('R', int32(5), Uint8Array.of(1, 2, 3, 4)), greeting()])
  await open(server)
  assert.match(server.writtenText, /md571e3a8a68e0aa5a1b226d4599788f5b9\0/)
  assert.ok(!server.writtenText.includes('secret'))
})

test('refuses a server that says ok in the middle of SCRAM, or asks twice', async () => {
  const sasl = encodeMessage('R', int32(10), text('SCRAM-SHA-256\0\0'))
  await assert.rejects(open(new ScriptedServer([sasl, greeting()])), { code: 'PG_PROTOCOL_VIOLATION' })
  const md5 = encodeMessage('R', int32(5), new Uint8Array(4))
  await assert.rejects(open(new ScriptedServer([sasl, md5])), { code: 'PG_PROTOCOL_VIOLATION' })
  const kerberos = encodeMessage('R', int32(7))
  await assert.rejects(open(new ScriptedServer([kerberos])), { code: 'PG_AUTHENTICATION_UNSUPPORTED' })
  const unauthenticated = joinBytes([readyForQuery()])
  await assert.rejects(open(new ScriptedServer([unauthenticated])), { code: 'PG_PROTOCOL_VIOLATION' })
})

test('says that a password is missing instead of sending an empty one', async () => {
  const server = new ScriptedServer([encodeMessage('R', int32(5), new Uint8Array(4))])
  const { password: _, ...options } = {
    password: '',
    user: 'pointzero',
    applicationName: 'test',
    nonce: () => nonce,
  }
  await assert.rejects(openPostgresConnection(server, { ...options, tls: { policy: 'disable' } }), {
    code: 'PG_PASSWORD_MISSING',
  })
})

test('takes no clear text for encrypted, and no clear text where TLS is required', async () => {
  const upgradable = (first: string) => {
    const encrypted = new ScriptedServer([greeting()])
    const raw = Object.assign(new ScriptedServer([text(first), greeting()]), {
      async startTls() {
        return encrypted
      },
    })
    return { raw, encrypted }
  }
  const tls = { policy: 'require', serverName: 'db.example' } as const
  const good = upgradable('S')
  const connection = await open(good.raw, { tls })
  assert.ok(connection.encrypted)
  assert.equal(good.raw.written.length, 1, 'only SSLRequest goes over the raw stream')
  await assert.rejects(open(upgradable('Sx').raw, { tls }), { code: 'PG_PROTOCOL_VIOLATION' })
  await assert.rejects(open(upgradable('N').raw, { tls }), { code: 'PG_TLS_UNAVAILABLE', class: 'refused' })
  const plain = await open(upgradable('N').raw, { tls: { ...tls, policy: 'prefer' } })
  assert.equal(plain.encrypted, false)
  await assert.rejects(open(new ScriptedServer([greeting()]), { tls }), { code: 'PG_TLS_UNAVAILABLE' })
})

test('says unknown outcome when the connection dies in a command that may not be repeated', async () => {
  const first = await session()
  await assert.rejects(first.connection.simpleQuery('DROP_REPLICATION_SLOT "s"'), {
    code: 'PG_OUTCOME_UNKNOWN',
    class: 'unknown-outcome',
  })
  assert.ok(first.server.closed)
  const second = await session()
  await assert.rejects(second.connection.simpleQuery('IDENTIFY_SYSTEM', { repeatable: true }), {
    code: 'PG_CONNECTION_LOST',
    class: 'transient',
  })
  const third = await session(serverError('57P01', 'FATAL'))
  await assert.rejects(third.connection.simpleQuery('insert'), { class: 'unknown-outcome' })
})

test('throws the error of the server only after it is ready again', async () => {
  const { connection } = await session(
    joinBytes([serverError('42601'), readyForQuery()]),
    joinBytes([resultSet(['a'], [['1'], [null]]), complete('SELECT 2'), readyForQuery()]),
  )
  await assert.rejects(connection.simpleQuery('selekt'), { sqlstate: '42601', class: 'permanent' })
  assert.deepEqual(await connection.simpleQuery('select'), [
    { columns: ['a'], rows: [['1'], [null]], tag: 'SELECT 2' },
  ])
})

test('hands notices on and takes no second query while one runs', async () => {
  const notices: string[] = []
  const server = new ScriptedServer([
    greeting(),
    encodeMessage('N', text('SNOTICE\0VNOTICE\0C00000\0Mlook\0\0')),
    joinBytes([complete('X'), readyForQuery()]),
  ])
  const connection = await open(server, { onNotice: ({ message }) => notices.push(message) })
  const running = connection.simpleQuery('select 1')
  await assert.rejects(connection.simpleQuery('select 2'), { code: 'PG_CONNECTION_NOT_READY', class: 'bug' })
  await running
  assert.deepEqual(notices, ['look'])
})

test('closes the connection when a copy is left early', async () => {
  const data = encodeMessage('d', text('row'))
  const { server, connection } = await session(
    joinBytes([
      encodeMessage('H', new Uint8Array(3)),
      data,
      data,
      encodeMessage('c'),
      complete('COPY'),
      readyForQuery(),
    ]),
  )
  for await (const chunk of connection.copyOut('copy t to stdout')) {
    assert.equal(new TextDecoder().decode(chunk), 'row')
    break
  }
  assert.ok(server.closed)
  await assert.rejects(connection.simpleQuery('select 1', { repeatable: true }), {
    code: 'PG_CONNECTION_NOT_READY',
  })
})

test('refuses messages that do not belong where they come', async () => {
  const { connection } = await session(authenticationOk())
  await assert.rejects(connection.simpleQuery('select 1', { repeatable: true }), {
    code: 'PG_PROTOCOL_VIOLATION',
  })
})

test('a copy both ways ends only where the server ended it: a lost or closed connection is an error', async () => {
  const row = encodeMessage('d', text('row'))
  const begun = [encodeMessage('W', new Uint8Array(3)), row]
  const ended = await session(joinBytes([...begun, row, encodeMessage('c'), complete('X'), readyForQuery()]))
  const whole = await ended.connection.copyBoth('start')
  for (const expected of ['row', 'row', undefined, undefined]) {
    const bytes = await whole.read()
    assert.equal(bytes && new TextDecoder().decode(bytes), expected)
  }
  assert.deepEqual(await whole.finish(), [{ columns: [], rows: [], tag: 'X' }])

  const lost = await session(joinBytes(begun))
  const torn = await lost.connection.copyBoth('start')
  await torn.read()
  await assert.rejects(torn.read(), { code: 'PG_CONNECTION_LOST' })
  assert.ok(lost.server.closed)

  const left = await session(joinBytes(begun), joinBytes([encodeMessage('c'), readyForQuery()]))
  const closed = await left.connection.copyBoth('start')
  await closed.read()
  left.connection.close()
  await assert.rejects(closed.read(), { code: 'PG_CONNECTION_LOST' })

  const refused = await session(joinBytes([serverError('58P01'), readyForQuery()]))
  await assert.rejects(refused.connection.copyBoth('start'), { sqlstate: '58P01' })
})
