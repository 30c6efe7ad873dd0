import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  quoteConfigurationValue,
  quoteConninfoValue,
  quoteIdentifier,
  quoteLiteral,
  quotePassFileField,
  requireAddress,
  requireMemberName,
} from './quoting.ts'

test('an identifier can not end its own quotes', () => {
  assert.equal(quoteIdentifier('orders'), '"orders"')
  assert.equal(quoteIdentifier('a"; drop database "b'), '"a""; drop database ""b"')
  assert.equal(quoteIdentifier('größe 🦄\n'), '"größe 🦄\n"')
})

test('an identifier that PostgreSQL would cut is refused', () => {
  assert.equal(quoteIdentifier('x'.repeat(63)).length, 65)
  assert.throws(() => quoteIdentifier('x'.repeat(64)), /63 bytes/)
  // 16 characters, 64 bytes.
  assert.throws(() => quoteIdentifier('🦄'.repeat(16)), /63 bytes/)
  assert.throws(() => quoteIdentifier(''), /63 bytes/)
  assert.throws(() => quoteIdentifier('a\0b'), /zero bytes/)
  assert.throws(() => quoteIdentifier('\ud800'), /text/)
})

test('a literal survives quotes and backslashes whatever standard_conforming_strings says', () => {
  assert.equal(quoteLiteral("it's"), "'it''s'")
  assert.equal(quoteLiteral("\\'; select 1"), " E'\\\\''; select 1'")
})

test('a connection parameter can not begin another one', () => {
  assert.equal(quoteConninfoValue("x' host=evil"), "'x\\' host=evil'")
  assert.equal(quoteConninfoValue('a\\'), "'a\\\\'")
  assert.equal(quoteConninfoValue(''), "''")
  assert.throws(() => quoteConninfoValue('a\nhost=evil'), /line break/)
})

test('a setting can not begin another line', () => {
  assert.equal(quoteConfigurationValue("it's"), "'it''s'")
  assert.throws(() => quoteConfigurationValue("on'\nfsync = off"), /line break/)
})

test('a password file field keeps its separators', () => {
  assert.equal(quotePassFileField('a:b\\c'), 'a\\:b\\\\c')
})

test('a member has a name that PostgreSQL shows unchanged', () => {
  for (const name of ['b', 'az2', 'it\'s "b"', 'x'.repeat(63)]) assert.equal(requireMemberName(name), name)
  for (const name of ['', '*', ' b', 'b ', 'x'.repeat(64), 'größe', '🦄', 'a\nb', 'a\0']) {
    assert.throws(() => requireMemberName(name), { code: 'PG_NAME_INVALID' }, name)
  }
})

test('an address is one address', () => {
  for (const address of ['10.0.0.1', 'fe80::1%eth0', '::1', 'db-1.example.org'])
    assert.equal(requireAddress(address), address)
  for (const address of ['', 'a,b', '/tmp', '@abstract', 'a b', "a' host=b", 'a=b']) {
    assert.throws(() => requireAddress(address), { code: 'PG_NAME_INVALID' }, address)
  }
})
