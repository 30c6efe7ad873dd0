import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildConninfo, describeUpstream, parseConninfo } from './conninfo.ts'
import { quoteConninfoValue } from './quoting.ts'

const upstream = { name: 'a', address: '10.0.0.1', port: 5432 }

test('names upstream, user and label, and never the password', () => {
  const text = buildConninfo({ upstream, user: "o'hara", applicationName: 'b', passFile: '/run/pz/.pgpass' })
  const pairs = parseConninfo(text)
  assert.equal(pairs?.get('host'), '10.0.0.1')
  assert.equal(pairs?.get('port'), '5432')
  assert.equal(pairs?.get('user'), "o'hara")
  assert.equal(pairs?.get('application_name'), 'b')
  assert.equal(pairs?.get('passfile'), '/run/pz/.pgpass')
  assert.equal(pairs?.has('password'), false)
})

test('with an authority, nobody is followed who does not prove to be the host of that address', () => {
  const plain = parseConninfo(buildConninfo({ upstream, user: 'u', applicationName: 'b' }))
  assert.equal(plain?.has('sslmode'), false)
  const authorityFile = "/var/lib/pz's/ca.pem"
  const pairs = parseConninfo(buildConninfo({ upstream, user: 'u', applicationName: 'b', authorityFile }))
  assert.equal(pairs?.get('sslmode'), 'verify-full')
  assert.equal(pairs?.get('sslrootcert'), authorityFile)
  assert.equal(pairs?.get('ssl_min_protocol_version'), 'TLSv1.3')
})

test('an injected keyword stays a part of its value', () => {
  const text = buildConninfo({ upstream, user: "x' host='evil", applicationName: 'b' })
  assert.equal(parseConninfo(text)?.get('host'), '10.0.0.1')
  assert.throws(() =>
    buildConninfo({ upstream: { ...upstream, address: 'a,evil' }, user: 'x', applicationName: 'b' }),
  )
})

test('what was quoted is read back', () => {
  const text = fc
    .string({ unit: 'binary' })
    .filter((value) => value.isWellFormed() && !/[\0\r\n]/.test(value))
  fc.assert(
    fc.property(text, text, (user, file) => {
      const pairs = parseConninfo(`user=${quoteConninfoValue(user)} passfile=${quoteConninfoValue(file)}`)
      assert.deepEqual(
        [...(pairs ?? [])],
        [
          ['user', user],
          ['passfile', file],
        ],
      )
    }),
  )
})

test('reads what people write', () => {
  assert.equal(describeUpstream('host=10.0.0.1 port = 6432  user=a\\ b'), '10.0.0.1:6432')
  assert.equal(describeUpstream("hostaddr='10.0.0.2'"), '10.0.0.2:5432')
  assert.equal(describeUpstream(' '), '')
})

test('what it can not read is not "no upstream"', () => {
  for (const text of ['postgresql://10.0.0.1/', 'host', "host='10.0.0.1", 'host=a=b c']) {
    assert.notEqual(describeUpstream(text), '', text)
  }
})
