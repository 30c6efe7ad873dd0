import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import type { Plan, Step } from '../domain/plan.ts'
import { planHash, validatePlan } from './plan-hash.ts'

function step(id: string, more: Partial<Step> = {}): Step {
  return {
    id,
    action: 'postgres.detach',
    actionVersion: 1,
    args: { member: 'mbr_aaaaaa' },
    on: 'host-a',
    after: [],
    proves: 'it is so',
    effect: 'none',
    timeoutMs: 1_000,
    retry: { attempts: 1, waitMs: 0 },
    phase: 'execute',
    ...more,
  }
}

function plan(...steps: readonly Step[]): Plan {
  return {
    format: 'pointzero/plan/1',
    procedure: 'zone-failover',
    procedureVersion: 1,
    productVersion: '0.1.0',
    estate: 'est_abcdef',
    estateDigest: 'a',
    factsDigest: 'b',
    scenario: 'zone-loss',
    parameters: { cluster: 'ledger' },
    scope: 'cluster:cmp_aaaaaa',
    mode: 'real',
    steps,
  }
}

const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'grapheme' }),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 6 }), tie('value'), { maxKeys: 5 }),
  ),
})).value

function shuffled(value: Json): Json {
  if (Array.isArray(value)) return value.map(shuffled)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([key, member]) => [key, shuffled(member as Json)] as const)
  return Object.fromEntries(members.toReversed())
}

test('canonical JSON does not depend on the order in which members were added', () => {
  fc.assert(fc.property(json, (value) => canonicalJson(shuffled(value)) === canonicalJson(value)))
})

test('canonical JSON reads back as the same value, and is canonical already', () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalJson(value)
      return canonicalJson(JSON.parse(text) as Json) === text
    }),
  )
})

test('canonical JSON orders keys by code units, whatever a locale would say', () => {
  assert.equal(
    canonicalJson({ ä: 1, z: 2, Z: 3, 'a-b': 4, ab: 5, '\u{1f600}': 6, '\ufb00': 7 }),
    '{"Z":3,"a-b":4,"ab":5,"z":2,"ä":1,"😀":6,"ﬀ":7}',
  )
})

test('different values never share canonical JSON', () => {
  fc.assert(
    fc.property(json, json, (left, right) => {
      const same = canonicalJson(left) === canonicalJson(right)
      try {
        assert.deepEqual(plain(left), plain(right))
        return same
      } catch {
        return !same
      }
    }),
  )
})

/** -0 and 0 are one number in JSON, and dictionaries have no prototype. */
function plain(value: Json): Json {
  return JSON.parse(JSON.stringify(value)) as Json
}

test('any change of any member of a plan changes its hash', () => {
  const original = plan(step('a'), step('b', { after: ['a'] }))
  const hash = planHash(original)
  const paths = leaves(original as unknown as Json, [])
  assert.ok(paths.length > 30)
  for (const path of paths) {
    const copy = structuredClone(original) as unknown as Json
    change(copy, path)
    assert.notEqual(planHash(copy as unknown as Plan), hash, path.join('.'))
  }
  assert.equal(planHash(shuffled(original as unknown as Json) as unknown as Plan), hash)
})

function leaves(value: Json, path: readonly string[]): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([key, member]) => leaves(member as Json, [...path, key]))
}

function change(root: Json, path: readonly string[]): void {
  const last = path.at(-1) as string
  let holder = root as Record<string, Json>
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string, Json>
  const before = holder[last]
  holder[last] = typeof before === 'number' ? before + 1 : `${before as string}x`
}

test('accepts a plan whose steps come after earlier ones and refer to what is finished before them', () => {
  validatePlan(
    plan(
      step('a'),
      step('b', { after: ['a'] }),
      step('c', {
        after: ['b'],
        args: { deep: [{ lsn: { from: 'a', field: 'lsn' } }] },
        on: { from: 'b', field: 'host' },
      }),
    ),
  )
})

const refused: readonly (readonly [string, Plan, RegExp])[] = [
  ['no steps', plan(), /no steps/],
  ['two steps of one id', plan(step('a'), step('a')), /step a appears twice/],
  ['a malformed step id', plan(step('a b')), /malformed/],
  [
    'a step after a later one',
    plan(step('a', { after: ['b'] }), step('b')),
    /after b, which is not an earlier/,
  ],
  ['a step after itself', plan(step('a', { after: ['a'] })), /not an earlier step/],
  ['a step twice in after', plan(step('a'), step('b', { after: ['a', 'a'] })), /twice in after/],
  [
    'a quorum of more than there are',
    plan(step('a'), step('b', { after: ['a'], quorum: 2 })),
    /quorum 2 of 1/,
  ],
  [
    'a reference to a step that need not be finished',
    plan(step('a'), step('b', { args: { x: { from: 'a', field: 'y' } } })),
    /takes a field of a/,
  ],
  [
    'a place taken from such a step',
    plan(step('a'), step('b', { on: { from: 'a', field: 'y' } })),
    /takes a field of a/,
  ],
  ['no place', plan(step('a', { on: '' })), /names no place/],
  ['no time', plan(step('a', { timeoutMs: 0 })), /timeoutMs 0/],
  ['no attempts', plan(step('a', { retry: { attempts: 0, waitMs: 0 } })), /0 attempts/],
  ['half a millisecond', plan(step('a', { timeoutMs: 1.5 })), /safe integers/],
  [
    'undoing what has no effect',
    plan(step('a', { compensation: { action: 'x.y', actionVersion: 1, args: {} } })),
    /undoes what has no effect/,
  ],
  ['more than a store holds', plan(step('a', { proves: 'x'.repeat(800_000) })), /bytes; the most is/],
]
for (const [what, candidate, message] of refused) {
  test(`refuses a plan with ${what}`, () => assert.throws(() => validatePlan(candidate), message))
}

test('refuses a plan of an unknown format by name', () => {
  const newer = { ...plan(step('a')), format: 'pointzero/plan/2' } as unknown as Plan
  assert.throws(() => validatePlan(newer), { code: 'FORMAT_UNKNOWN' })
})
