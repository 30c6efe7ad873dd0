import assert from 'node:assert/strict'
import { test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { codecs, Compressor, decompress } from './chunk-codec.ts'

/** Compresses to about `share` of its length: the rest of it is zeros. */
function content(bytes: number, share: number, seed: number): Uint8Array {
  let state = seed
  return new Uint8Array(bytes).map((_, index) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return index % 100 < share * 100 ? state >>> 24 : 0
  })
}

test('each content becomes a frame of its own, whatever was compressed before it and beside it', async () => {
  const compressor = new Compressor()
  const one = fc.record({
    bytes: fc.oneof(fc.nat(200), fc.nat(100_000), fc.constantFrom(32 * 1024, 1024 * 1024)),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    seed: fc.nat(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(one, { maxLength: 7 }), async (asked) => {
      const contents = asked.map(({ bytes, share, seed }) => content(bytes, share, seed))
      const packed = await Promise.all(contents.map((bytes) => compressor.compress(bytes)))
      for (const [index, bytes] of contents.entries()) {
        const made = packed[index]
        assert.ok(made !== undefined && made.bytes.length <= bytes.length)
        assert.deepEqual(Buffer.from(await decompress(made, bytes.length)), Buffer.from(bytes))
        // No second frame hides behind it.
        if (made.codec === codecs.zstd) assert.equal(zstdDecompressSync(made.bytes).length, bytes.length)
      }
    }),
    { numRuns: 40 },
  )
  compressor.close()
  compressor.close()
})

test('the same content is the same frame, from a new compressor and from one that has worked: ids are made of it', async () => {
  const used = new Compressor()
  await used.compress(content(900_000, 0.5, 1))
  for (const bytes of [40_000, 1024 * 1024]) {
    const wanted = content(bytes, 0.3, 7)
    const fresh = new Compressor()
    const [first, second] = [await used.compress(wanted), await fresh.compress(wanted)]
    assert.equal(Buffer.compare(first.bytes, second.bytes), 0)
    fresh.close()
  }
  used.close()
})

test('what does not get shorter is kept as it is', async () => {
  const compressor = new Compressor()
  for (const bytes of [0, 1, 40_000]) {
    const noise = content(bytes, 1, 3)
    assert.deepEqual(await compressor.compress(noise), { codec: codecs.none, bytes: noise })
  }
  compressor.close()
})
