import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ScramClient } from './postgres-scram.ts'

// RFC 7677, section 3.
const nonce = 'rOprNGfwEbeRWgbNEkqO'
const serverNonce = `${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0`
const serverFirst = `r=${serverNonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`
const serverFinal = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='

const client = (password = 'pencil') => new ScramClient({ user: 'user', password, nonce })

test('speaks the exchange of RFC 7677', async () => {
  const scram = client()
  assert.equal(scram.first, `n,,n=user,r=${nonce}`)
  assert.equal(
    await scram.answer(serverFirst),
    `c=biws,r=${serverNonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`,
  )
  scram.finish(serverFinal)
})

test('refuses a server that does not know the password', async () => {
  const finals = [
    'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=',
    'v=',
    'v=AAAA',
    'x=1',
    '',
    'e=other-error',
  ]
  for (const final of finals) {
    const scram = client()
    await scram.answer(serverFirst)
    assert.throws(() => scram.finish(final), { code: 'PG_SCRAM_FAILED', class: 'permanent' }, final)
  }
  const other = client('another password')
  await other.answer(serverFirst)
  assert.throws(() => other.finish(serverFinal), { code: 'PG_SCRAM_FAILED' })
  assert.throws(() => client().finish(serverFinal), { code: 'PG_SCRAM_FAILED' }, 'before it was asked')
})

test('refuses a foreign nonce, a missing salt, and too few or too many iterations', async () => {
  const messages = [
    `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
    'r=anotherNonceOfSomebody,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    `r=${serverNonce},s=,i=4096`,
    `r=${serverNonce},s=not base64,i=4096`,
    `r=${serverNonce},i=4096`,
    `r=${serverNonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095`,
    `r=${serverNonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1000001`,
    `r=${serverNonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1e6`,
    `m=extension,${serverFirst}`,
    `${serverFirst},r=${serverNonce}`,
  ]
  for (const message of messages) {
    await assert.rejects(client().answer(message), { code: 'PG_SCRAM_FAILED' }, message)
  }
})

test('refuses a nonce of its own that is short or would end its field', () => {
  for (const bad of ['short', 'with,comma-and-long-enough', '']) {
    assert.throws(() => new ScramClient({ password: 'x', nonce: bad }), {
      code: 'PG_SCRAM_NONCE',
      class: 'bug',
    })
  }
})

test('prepares passwords as PostgreSQL does: equal looking ones are equal, ASCII is untouched', async () => {
  const pairs = [
    ['I\u00adX', 'IX'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
    ['a\u00a0b\u0301', 'a b\u0301'],
  ] as const
  for (const [left, right] of pairs) {
    assert.equal(await client(left).answer(serverFirst), await client(right).answer(serverFirst))
  }
  assert.notEqual(await client('a\tb').answer(serverFirst), await client('a b').answer(serverFirst))
})
