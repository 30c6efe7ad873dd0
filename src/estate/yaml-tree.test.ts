import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readYamlTree } from './yaml-tree.ts'

/** The refusal of the text, as `line:column what`. */
function refusal(text: string): string {
  const { value, problems } = readYamlTree(text)
  const lines = problems.map(({ position, message }) => `${position.line}:${position.column} ${message}`)
  assert.ok(lines.length > 0, `read as ${JSON.stringify(value)?.slice(0, 200)}`)
  return lines.join('\n')
}

test('an alias bomb ends at a bound, in time', () => {
  const levels = Array.from({ length: 30 }, (_, level) => {
    const refer = Array.from({ length: 9 }, () => `*a${level - 1}`).join(', ')
    return `a${level}: &a${level} [${level === 0 ? 'lol, lol' : refer}]`
  })
  assert.match(
    refusal(levels.join('\n')),
    /^\d+:\d+ aliases that stand for more than 10000 values; write them out/,
  )
})

test('an alias of what holds it is refused', () => {
  assert.match(refusal('a: &a\n  b: *a\n'), /^2:3 more than 32 levels of nesting/)
})

test('aliases within the bound are values as if written out', () => {
  const { value, problems } = readYamlTree('a: &x { b: 1 }\nc: *x\n')
  assert.deepEqual([value, problems], [{ a: { b: 1 }, c: { b: 1 } }, []])
})

const nestings: readonly [string, string][] = [
  ['flow lists', '['.repeat(100_000)],
  ['flow maps', '{a: '.repeat(100_000)],
  ['closed flow lists', `a: ${'['.repeat(400)}${']'.repeat(400)}`],
  ['lists on one line', `${'- '.repeat(100_000)}a`],
  ['keys on one line', `${'? '.repeat(100_000)}a`],
  ['block maps', Array.from({ length: 1500 }, (_, level) => `${' '.repeat(level)}a:`).join('\n')],
  [
    'block maps beyond the limit',
    Array.from({ length: 40 }, (_, level) => `${' '.repeat(level)}a:`).join('\n'),
  ],
]
for (const [label, text] of nestings) {
  test(`deep nesting is refused: ${label}`, () => {
    assert.match(refusal(text), /nest|levels|blank/)
  })
}

test('a text of nothing but separators is refused before it fills the memory', () => {
  assert.match(refusal(`a: [${',~'.repeat(1_000_001)}]`), /^1:1 more than 1000000 values/)
})

const refusals: readonly [string, string, RegExp][] = [
  ['a key of the prototype', 'a: 1\n__proto__: { polluted: true }\n', /^2:1 a key that can not be a name/],
  ['a constructor key, in flow', 'a: { constructor: 1 }\n', /^1:6 a key that can not be a name/],
  ['a duplicate key', 'a: 1\nb: 2\na: 3\n', /^3:1 the key stands here a second time/],
  ['a duplicate key, quoted once', 'a: 1\n"a": 3\n', /^2:1 the key stands here a second time/],
  ['an integer beyond 2^53', 'a:\n  b: 9007199254740993\n', /^2:6 a number too large to be exact/],
  ['infinity', 'a: .inf\n', /^1:4 not a number that can be used/],
  ['not a number', 'a: .nan\n', /^1:4 not a number that can be used/],
  ['a lone surrogate', 'a: "\\uD800"\n', /^1:4 half of a surrogate pair/],
  ['a NUL character', 'a: "b\\0"\n', /^1:4 a NUL character/],
  ['a tab as indentation', 'a:\n\tb: 1\n', /^2:1 tabs are not allowed as indentation/],
  ['a blank value', 'a: 1\nkeep:\nb: 2\n', /^2:1 blank; write a value or leave the key out/],
  ['a null', 'a: 1\nkeep: ~\n', /^2:7 blank/],
  ['a tag', 'a: !!binary AAAA\n', /^1:4 a YAML tag|^1:\d+ .*tag/],
  ['a tag of its own', 'a: !secret b\n', /tag/],
  ['a key that is a list', '? [a]\n: b\n', /^1:3 a key that is not a text/],
  ['a key that is a number', '7: b\n', /^1:1 a key that is not a text/],
  ['a directive', '%YAML 1.1\n---\na: yes\n', /^1:1 a %YAML directive/],
  ['two documents', 'a: 1\n---\na: 2\n', /^2:1 .*multiple documents/],
  ['an open quote', 'a: "b\n', /^\d:\d+ missing closing/],
  ['an open bracket', 'a: [b\n', /^\d:\d+ /],
  ['nothing', '', /^1:1 the file is empty/],
  ['comments only', '# nothing\n', /^1:1 the file is empty/],
  ['an unknown alias', 'a: *b\n', /^1:4 .*alias/],
]
for (const [label, text, expected] of refusals) {
  test(`refused at its place: ${label}`, () => assert.match(refusal(text), expected))
}

test('a merge key is a key like any other, not a merge', () => {
  assert.deepEqual(readYamlTree('a: &a { b: 1 }\nc:\n  <<: *a\n').value, {
    a: { b: 1 },
    c: { '<<': { b: 1 } },
  })
})

test('yes, no, on and off are texts', () => {
  assert.deepEqual(readYamlTree('a: [yes, no, on, off]\n').value, { a: ['yes', 'no', 'on', 'off'] })
})

test('a byte order mark and carriage returns change neither values nor positions', () => {
  const plain = readYamlTree('a: 1\nb:\n  - c: 2\n')
  const windows = readYamlTree('\uFEFFa: 1\r\nb:\r\n  - c: 2\r\n')
  assert.deepEqual(windows.value, plain.value)
  for (const path of [['a'], ['b'], ['b', 0, 'c']]) {
    for (const part of ['key', 'value'] as const) {
      assert.deepEqual(windows.locate(path, part), plain.locate(path, part), path.join('.'))
    }
  }
})

test('no text crashes it', () => {
  const yamlish = fc.stringMatching(/^[a-c:\-?[\]{}#&*!|>'"%@` \n\t,0~<]{0,40}$/)
  fc.assert(
    fc.property(fc.oneof(yamlish, fc.string({ unit: 'binary' })), (text) => {
      const { value, problems } = readYamlTree(text)
      assert.ok(problems.length > 0 || value !== undefined)
    }),
    { numRuns: 600 },
  )
})
