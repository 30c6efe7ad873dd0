import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { connect } from 'node:tls'
import { request } from 'node:https'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Json } from '../domain/canonical-json.ts'
import type { CallHandler, Endpoint, Listener } from '../ports/network.ts'
import { createAuthority, issueIdentity } from './certificates.ts'
import type { TlsIdentity } from './certificates.ts'
import { HttpsNetwork } from './https-network.ts'
import { SystemClock } from './system-clock.ts'

const clock = new SystemClock()
const authority = createAuthority('est_abcdef', Date.now())
const other = createAuthority('est_abcdef', Date.now())
const person = issueIdentity(authority, { subject: 'prn_person', addresses: [], nowMs: Date.now() })
const host = issueIdentity(authority, { subject: 'hst_server', addresses: ['127.0.0.1'], nowMs: Date.now() })
const stranger = issueIdentity(other, { subject: 'prn_person', addresses: ['127.0.0.1'], nowMs: Date.now() })
const expired = issueIdentity(authority, {
  subject: 'prn_person',
  addresses: ['127.0.0.1'],
  nowMs: Date.now() - 900 * 86_400_000,
})

const log = { info: () => undefined, warn: () => undefined }
const opened: (() => Promise<void> | void)[] = []
after(async () => {
  for (const close of opened) await close()
})

function network(identity: TlsIdentity): HttpsNetwork {
  const made = new HttpsNetwork(identity, log)
  opened.unshift(() => made.close())
  return made
}

async function serve(handler: CallHandler, identity: TlsIdentity = host): Promise<Endpoint & Listener> {
  const listener = await network(identity).serve({ address: '127.0.0.1', port: 0 }, handler)
  opened.push(() => listener.close())
  return { address: '127.0.0.1', ...listener }
}

const echo: CallHandler = async (method, body, peer) => ({ method, body, peer: peer.subject })

async function failure(work: Promise<unknown>): Promise<RecoveryError> {
  return await work.then(
    () => assert.fail('it succeeded'),
    (error: unknown) => {
      assert.ok(error instanceof RecoveryError, String(error))
      return error
    },
  )
}

test('carries a call to the handler with the identity that the certificate proves', async () => {
  const server = await serve(echo)
  const body = { a: [1, null, 'é'] }
  const reply = await network(person).call(server, 'agent/action-observe', body, {
    timeoutMs: 2_000,
    expectSubject: 'hst_server',
  })
  assert.deepEqual(reply, { method: 'agent/action-observe', body, peer: 'prn_person' })
})

test('uses one connection again and again', async () => {
  const server = await serve(echo)
  const caller = network(person)
  await caller.call(server, 'a', null, { timeoutMs: 2_000 })
  const startedMs = clock.monotonicMs()
  for (let n = 0; n < 20; n += 1) await caller.call(server, 'a', null, { timeoutMs: 2_000 })
  const eachMs = (clock.monotonicMs() - startedMs) / 20
  assert.ok(eachMs < 50, `${eachMs} ms a call`)
})

test('does not speak to a server of another authority, and says that nothing was delivered', async () => {
  let called = false
  const server = await serve(async () => (called = true), stranger)
  const error = await failure(network(person).call(server, 'a', null, { timeoutMs: 2_000 }))
  assert.deepEqual([error.code, error.class, called], ['NETWORK_UNREACHABLE', 'transient', false])
})

test('does not serve a client of another authority', async () => {
  let called = false
  const server = await serve(async () => (called = true))
  const intruder = { ...stranger, authorityPem: authority.certificatePem }
  const error = await failure(network(intruder).call(server, 'a', null, { timeoutMs: 2_000 }))
  assert.deepEqual([called, error.code], [false, 'NETWORK_REPLY_LOST'])
})

test('does not serve a client whose certificate has expired', async () => {
  let called = false
  const server = await serve(async () => (called = true))
  const error = await failure(network(expired).call(server, 'a', null, { timeoutMs: 2_000 }))
  assert.deepEqual([called, error.code], [false, 'NETWORK_UNREACHABLE'])
})

test('does not serve a client without a certificate', async () => {
  let called = false
  const server = await serve(async () => (called = true))
  const outcome = await new Promise<string>((resolve) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: server.port,
        ca: authority.certificatePem,
        method: 'POST',
        path: '/v1/a',
        agent: false,
      },
      (response) => resolve(String(response.statusCode)),
    )
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    sent.end('null')
  })
  assert.equal(called, false)
  assert.match(outcome, /CERTIFICATE_REQUIRED|ECONNRESET/)
})

test('refuses a server that is of the estate but not the host that was meant', async () => {
  let called = false
  const server = await serve(async () => (called = true))
  const caller = network(person)
  await caller.call(server, 'a', null, { timeoutMs: 2_000 })
  called = false
  const error = await failure(
    caller.call(server, 'a', null, { timeoutMs: 2_000, expectSubject: 'hst_another' }),
  )
  assert.deepEqual([error.code, error.class, called], ['NETWORK_OTHER_PEER', 'refused', false])
})

test('without an expected identity the certificate must carry the address', async () => {
  const elsewhere = issueIdentity(authority, {
    subject: 'hst_server',
    addresses: ['192.0.2.1'],
    nowMs: Date.now(),
  })
  const server = await serve(echo, elsewhere)
  assert.equal(
    (await failure(network(person).call(server, 'a', null, { timeoutMs: 2_000 }))).code,
    'NETWORK_UNREACHABLE',
  )
  await network(person).call(server, 'a', null, { timeoutMs: 2_000, expectSubject: 'hst_server' })
})

test('carries an error of the handler with its own code, class and hint', async () => {
  const server = await serve(async () => {
    throw new RecoveryError({
      code: 'EPOCH_STALE',
      class: 'refused',
      message: 'epoch 3 is old',
      hint: 'plan again',
    })
  })
  const error = await failure(network(person).call(server, 'a', null, { timeoutMs: 2_000 }))
  assert.deepEqual(
    [error.code, error.class, error.message, error.hint],
    ['EPOCH_STALE', 'refused', 'epoch 3 is old', 'plan again'],
  )
})

test('a bug over there is an unknown outcome here, not a crash', async () => {
  const server = await serve(async () => {
    throw new TypeError('x is undefined')
  })
  const error = await failure(network(person).call(server, 'a', null, { timeoutMs: 2_000 }))
  assert.deepEqual([error.code, error.class], ['BUG', 'unknown-outcome'])
})

test('nobody listening is certainly not delivered', async () => {
  const server = await serve(echo)
  await server.close()
  const error = await failure(network(person).call(server, 'a', null, { timeoutMs: 2_000 }))
  assert.deepEqual([error.code, error.class], ['NETWORK_UNREACHABLE', 'transient'])
})

test('a peer that accepts and says nothing is certainly not delivered, in bounded time', async () => {
  const silent = createServer(() => undefined)
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  opened.push(() => void silent.close())
  const startedMs = clock.monotonicMs()
  const at = { address: '127.0.0.1', port: (silent.address() as AddressInfo).port }
  const caller = network(person)
  const error = await failure(caller.call(at, 'a', null, { timeoutMs: 150 }))
  assert.deepEqual([error.code, error.class], ['NETWORK_UNREACHABLE', 'transient'])
  assert.ok(clock.monotonicMs() - startedMs < 1_000)
  // Which side stood still must be seen afterwards.
  assert.match(
    error.message,
    /within 150 ms \(TCP from port \d+, [1-9]\d+ bytes sent, 0 received, TLS not agreed\)/,
  )
})

test('an address that nobody has is certainly not delivered, and the error says that not even TCP came about', async () => {
  const error = await failure(
    network(person).call({ address: '192.0.2.9', port: 7443 }, 'a', null, { timeoutMs: 150 }),
  )
  assert.deepEqual([error.code, error.class], ['NETWORK_UNREACHABLE', 'transient'])
  assert.match(error.message, /no TCP connection|ENETUNREACH|EHOSTUNREACH|ECONNREFUSED/)
})

test('a reply that takes too long is an unknown outcome, and the next call does not wait behind it', async () => {
  let calls = 0
  let slowIsOver = false
  const server = await serve(async () => {
    calls += 1
    if (calls === 2) {
      await clock.sleep(2_000)
      slowIsOver = true
    }
    return calls
  })
  const caller = network(person)
  // The connection is there: the short time is for the reply alone.
  await caller.call(server, 'a', null, { timeoutMs: 20_000 })
  const error = await failure(caller.call(server, 'a', null, { timeoutMs: 150 }))
  assert.deepEqual([error.code, error.class], ['NETWORK_REPLY_LOST', 'unknown-outcome'])
  assert.equal(await caller.call(server, 'a', null, { timeoutMs: 10_000 }), 3)
  assert.equal(slowIsOver, false)
})

test('a server that goes away after the request makes an unknown outcome', async () => {
  const server: Endpoint & Listener = await serve(async () => {
    void server.close()
    await clock.sleep(50)
    return null
  })
  const error = await failure(network(person).call(server, 'a', null, { timeoutMs: 2_000 }))
  assert.deepEqual([error.code, error.class], ['NETWORK_REPLY_LOST', 'unknown-outcome'])
})

test('a restarted server is reached again', async () => {
  const first = await serve(echo)
  const caller = network(person)
  await caller.call(first, 'a', null, { timeoutMs: 2_000 })
  await first.close()
  const again = await network(host).serve({ address: '127.0.0.1', port: first.port }, echo)
  opened.push(() => again.close())
  await clock.sleep(20)
  await caller.call(first, 'a', null, { timeoutMs: 2_000 })
})

test('an aborted call rejects with the reason', async () => {
  const server = await serve(async () => {
    await clock.sleep(300)
    return null
  })
  const stop = new AbortController()
  const call = network(person).call(server, 'a', null, { timeoutMs: 2_000, signal: stop.signal })
  await clock.sleep(30)
  stop.abort(new Error('enough'))
  await assert.rejects(call, /enough/)
})

test('a request that is too large is refused with one clear error', async () => {
  const server = await serve(echo)
  const error = await failure(
    network(person).call(server, 'a', 'x'.repeat(5 * 1024 * 1024), { timeoutMs: 5_000 }),
  )
  assert.match(error.code, /NETWORK_BODY_TOO_LARGE|NETWORK_REPLY_LOST/)
  assert.deepEqual(await network(person).call(server, 'a', 1, { timeoutMs: 2_000 }), {
    method: 'a',
    body: 1,
    peer: 'prn_person',
  })
})

const malformed: readonly (readonly [string, string, string, string, string])[] = [
  ['a path that is not served', 'POST', '/v2/a', 'application/json', 'NETWORK_NO_SUCH_METHOD'],
  ['a method with dots', 'POST', '/v1/../a', 'application/json', 'NETWORK_NO_SUCH_METHOD'],
  ['GET', 'GET', '/v1/a', 'application/json', 'NETWORK_NO_SUCH_METHOD'],
  ['another content type', 'POST', '/v1/a', 'text/plain', 'NETWORK_CONTENT_TYPE'],
]
for (const [what, verb, path, type, code] of malformed) {
  test(`answers ${what} with one clear error`, async () => {
    const server = await serve(echo)
    assert.equal(await rawCall(server, verb, path, type, verb === 'GET' ? '' : 'null'), code)
  })
}

for (const [what, body, code] of [
  ['what is not JSON', '{', 'NETWORK_BODY_INVALID'],
  ['nothing', '', 'NETWORK_BODY_INVALID'],
  ['JSON nested a million deep', '['.repeat(1_000_000), 'NETWORK_BODY_TOO_DEEP'],
] as const) {
  test(`answers ${what} with one clear error`, async () => {
    const server = await serve(echo)
    assert.equal(await rawCall(server, 'POST', '/v1/a', 'application/json', body), code)
  })
}

test('brackets inside strings are not depth', async () => {
  const server = await serve(async (_, body): Promise<Json> => body)
  const text = `\\"${'['.repeat(500)}"{`
  assert.equal(await network(person).call(server, 'a', text, { timeoutMs: 2_000 }), text)
})

test('speaks nothing older than TLS 1.3', async () => {
  const server = await serve(echo)
  const { certificatePem: cert, privateKeyPem: key, authorityPem: ca } = person
  const outcome = await new Promise<string>((resolve) => {
    const socket = connect(
      { host: '127.0.0.1', port: server.port, ca, cert, key, maxVersion: 'TLSv1.2' },
      () => resolve('open'),
    )
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
  })
  assert.match(outcome, /PROTOCOL_VERSION|ECONNRESET/)
})

async function rawCall(
  to: Endpoint,
  verb: string,
  path: string,
  type: string,
  body: string,
): Promise<string> {
  const { certificatePem: cert, privateKeyPem: key, authorityPem: ca } = person
  return await new Promise<string>((resolve, reject) => {
    const headers = { 'content-type': type, connection: 'close' }
    const sent = request(
      { host: to.address, port: to.port, method: verb, path, headers, ca, cert, key },
      (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => (text += chunk.toString()))
        response.on('end', () => resolve((JSON.parse(text) as { error: { code: string } }).error.code))
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}
