import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  defaultMessageLimitBytes,
  encodeMessage,
  encodeQuery,
  encodeStartup,
  handshakeMessageLimitBytes,
  joinBytes,
  MessageScanner,
} from './postgres-message.ts'
import type { BackendMessage } from './postgres-message.ts'

const message = fc.record({
  type: fc.constantFrom('D', 'd', 'Z', 'E', 'S'),
  body: fc.uint8Array({ maxLength: 300 }),
})

/** Cuts `bytes` at the given places, modulo its length. */
function cut(bytes: Uint8Array, places: readonly number[]): readonly Uint8Array[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...ends, bytes.length].map((end, index) => bytes.slice(index === 0 ? 0 : ends[index - 1], end))
}

test('finds the same messages wherever the network cuts the stream', () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 20 }),
      fc.array(fc.nat(7000), { maxLength: 60 }),
      (messages, places) => {
        const bytes = joinBytes(messages.map(({ type, body }) => encodeMessage(type, body)))
        const scanner = new MessageScanner()
        const found: BackendMessage[] = []
        for (const chunk of cut(bytes, places)) {
          scanner.push(chunk)
          for (let next = scanner.next(); next !== undefined; next = scanner.next()) found.push(next)
        }
        assert.deepEqual(
          found.map(({ type, body }) => ({ type, body: [...body] })),
          messages.map(({ type, body }) => ({ type, body: [...body] })),
        )
        assert.equal(scanner.bufferedBytes, 0)
      },
    ),
  )
})

test('never writes again to a body that was handed out', () => {
  const scanner = new MessageScanner()
  const kept: Uint8Array[] = []
  const bytes = joinBytes(
    Array.from({ length: 50 }, (_, index) => encodeMessage('d', new Uint8Array(100).fill(index))),
  )
  for (const chunk of cut(
    bytes,
    Array.from({ length: 80 }, (_, index) => index * 67),
  )) {
    scanner.push(chunk)
    for (let next = scanner.next(); next !== undefined; next = scanner.next()) kept.push(next.body)
  }
  kept.forEach((body, index) => assert.ok(body.length === 100 && body.every((byte) => byte === index)))
})

test('refuses a message longer than the limit before it holds it, and one shorter than its own header', () => {
  const claim = (length: number) => {
    const scanner = new MessageScanner()
    const bytes = new Uint8Array(5)
    bytes[0] = 'D'.charCodeAt(0)
    new DataView(bytes.buffer).setUint32(1, length)
    scanner.push(bytes)
    return scanner
  }
  for (const length of [0, 3, handshakeMessageLimitBytes + 1, 0xffff_ffff]) {
    assert.throws(() => claim(length).next(), { code: 'PG_PROTOCOL_VIOLATION' })
  }
  const trusted = claim(handshakeMessageLimitBytes + 1)
  trusted.setLimit(defaultMessageLimitBytes)
  assert.equal(trusted.next(), undefined)
})

test('lets no value smuggle another parameter or a second query in', () => {
  assert.throws(() => encodeQuery('select 1\0'), { code: 'PG_PROTOCOL_VIOLATION' })
  assert.throws(() => encodeStartup({ user: 'a\0replication\0true' }), { code: 'PG_PROTOCOL_VIOLATION' })
})
