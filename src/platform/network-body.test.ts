import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimRandom } from '../simulation/sim-random.ts'
import { depthOf, parseBody } from './network-body.ts'

/** Byte by byte, as the definition reads. */
function plainDepth(body: Buffer): number {
  let [depth, deepest, inString] = [0, 0, false]
  for (let at = 0; at < body.length; at += 1) {
    const character = String.fromCodePoint(body[at] ?? 0)
    if (inString && character === '\\') at += 1
    else if (character === '"') inString = !inString
    else if (!inString && '{['.includes(character)) deepest = Math.max(deepest, (depth += 1))
    else if (!inString && '}]'.includes(character)) depth -= 1
  }
  return deepest
}

test('the depth of any bytes is that of a reader who looks at each of them', () => {
  const random = new SimRandom(1)
  const pieces = ['{', '}', '[', ']', '"', '"', '\\', '\\', 'a', ',', ':', 'é']
  for (let round = 0; round < 20_000; round += 1) {
    const length = random.between(0, 24)
    const body = Buffer.from(Array.from({ length }, () => random.pick(pieces)).join(''))
    assert.equal(depthOf(body), plainDepth(body), `round ${round}: ${body.toString()}`)
  }
})

test('a body is JSON in UTF-8, of any characters and at most 64 deep', () => {
  const said = { text: 'a "quoted" \\ – 🐘 \u0000', bytes: Buffer.alloc(5_000, 7).toString('base64') }
  assert.deepEqual(parseBody(Buffer.from(JSON.stringify(said))), said)
  assert.ok(Array.isArray(parseBody(Buffer.from(`${'['.repeat(64)}${']'.repeat(64)}`))))
  const tooDeep = Buffer.from(`${'['.repeat(65)}${']'.repeat(65)}`)
  assert.throws(() => parseBody(tooDeep), { code: 'NETWORK_BODY_TOO_DEEP' })
  for (const wrong of [Buffer.from([0x22, 0xff, 0x22]), Buffer.from('"'), Buffer.from('{'), Buffer.from('')])
    assert.throws(() => parseBody(wrong), { code: 'NETWORK_BODY_INVALID' })
})
