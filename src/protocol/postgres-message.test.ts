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
          for (let next = scanner.next(); next !== undefined; next = scanner.next())
            found.push({ type: next.type, body: next.body.slice() })
          // Whoever reads from the network writes over it now.
          chunk.fill(0xee)
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

test('puts every long message together in one room, and does not keep one that was made for a very long message', () => {
  const scanner = new MessageScanner()
  const buffers = new Set<ArrayBufferLike>()
  const lengths: number[] = []
  const see = (chunk: Uint8Array) => {
    scanner.push(chunk)
    for (let next = scanner.next(); next !== undefined; next = scanner.next()) {
      buffers.add(next.body.buffer)
      lengths.push(next.body.length)
    }
  }
  scanner.setLimit(defaultMessageLimitBytes)
  for (const length of [30_000, 30_000, 30_000, 1_000_000, 30_000]) {
    const bytes = encodeMessage('d', new Uint8Array(length))
    for (const chunk of cut(bytes, [3, 7, 20_000])) see(chunk.slice())
  }
  assert.deepEqual(lengths, [30_000, 30_000, 30_000, 1_000_000, 30_000])
  const sizes = [...buffers].map(({ byteLength }) => byteLength)
  assert.ok(sizes.length <= 4 && sizes.at(-1) === Math.min(...sizes), `rooms of ${sizes.join(', ')}`)
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
