import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalJson } from './canonical-json.ts'
import type { Json } from './canonical-json.ts'

test('the same bytes whatever order the keys were given in, at any depth', () => {
  const wanted = '{"a":[{"x":1,"y":{"k":"v","l":null}}],"b":{"c":true,"d":"é\\u001f\\"\\\\"}}'
  const inOrder: Json = {
    a: [{ x: 1, y: { k: 'v', l: null } }],
    b: { c: true, d: 'é\u001f"\\' },
  }
  const deepDisorder: Json = { a: [{ x: 1, y: { l: null, k: 'v' } }], b: { c: true, d: 'é\u001f"\\' } }
  const disorder: Json = { b: { d: 'é\u001f"\\', c: true }, a: [{ y: { l: null, k: 'v' }, x: 1 }] }
  for (const value of [inOrder, deepDisorder, disorder]) assert.equal(canonicalJson(value), wanted)
  assert.equal(canonicalJson(JSON.parse(wanted) as Json), wanted)
})

test('numbers as keys stand in the order of their text, wherever the engine puts them', () => {
  assert.equal(canonicalJson({ '9': 1, '10': 2, a: 3 }), '{"10":2,"9":1,"a":3}')
  assert.equal(canonicalJson([{ '1': 1, '2': 2 }]), '[{"1":1,"2":2}]')
})

test('undefined members are absent, -0 is 0, a member called __proto__ is one like any other', () => {
  assert.equal(canonicalJson({ a: undefined, b: -0 }), '{"b":0}')
  assert.equal(canonicalJson({ b: -0, a: undefined }), '{"b":0}')
  const text = '{"__proto__":1,"a":2}'
  assert.equal(canonicalJson(JSON.parse(text) as Json), text)
  assert.equal(canonicalJson(JSON.parse('{"a":2,"__proto__":1}') as Json), text)
})

test('refuses what has no canonical form, in order or not', () => {
  const refused = [0.5, Number.NaN, 2 ** 53, '\ud800', 1n, undefined, () => 1]
  for (const value of refused) {
    for (const around of [[value], { a: [value], b: 1 }, { b: 1, a: [value] }])
      assert.throws(() => canonicalJson(around as unknown as Json), { code: 'ASSERTION_FAILED' })
  }
  assert.throws(() => canonicalJson({ '\udc00': 1 }), { code: 'ASSERTION_FAILED' })
})
