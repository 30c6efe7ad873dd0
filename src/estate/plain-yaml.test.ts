import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { readPlainYaml } from './plain-yaml.ts'
import { readFullYaml } from './yaml-tree.ts'

const examples = ['exchange', 'point-zero-one'].map((name) =>
  readFileSync(new URL(`../../examples/${name}/estate.yaml`, import.meta.url), 'utf8'),
)

/** Whatever the plain reader accepts, the YAML package accepts, with the same value at the same places. */
function agrees(text: string): boolean {
  const plain = readPlainYaml(text)
  if (plain === undefined) return false
  const full = readFullYaml(text)
  assert.deepEqual(full.problems, [], text)
  assert.deepEqual(plain.value, full.value, text)
  for (const path of pathsIn(plain.value)) {
    for (const part of ['key', 'value'] as const) {
      assert.deepEqual(
        plain.locate(path, part),
        full.locate(path, part),
        `${path.join('.')} ${part} of\n${text}`,
      )
    }
  }
  return true
}

function pathsIn(value: unknown): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return []
  const steps: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value)
  return steps.flatMap(([step, child]) => [
    [step],
    ...pathsIn(child).map((path) => [step, ...path]),
    [step, 'absent', 7],
  ])
}

test('reads both examples as the YAML package does', () => {
  for (const text of examples) assert.equal(agrees(text), true)
})

const usualWord = fc.constantFrom(
  'a',
  'PT1H',
  '64 GiB',
  '10.1.1.10',
  'true',
  '7',
  '10:20',
  'a b',
  's3://bucket/a',
  '--listen',
  "it's",
)
const oddWord = fc.constantFrom(
  ...[
    'a',
    'PT1H',
    '64 GiB',
    '10.1.1.10',
    '02:00',
    'true',
    'False',
    'null',
    '~',
    '0',
    '7',
    '-1',
    '1e3',
    '0x1F',
    '.5',
    '1.5',
    '0o7',
  ],
  ...[
    's3://bucket/a',
    '{host}',
    'it"s',
    "it's",
    'a#b',
    'a #b',
    'a: b',
    'a:b',
    '- a',
    '-a',
    '--listen',
    '*a',
    '&a',
    '!a',
    '%a',
    '@a',
  ],
  ...[
    '',
    ' ',
    'a ',
    ' a',
    'a\nb',
    'ä ß',
    '😀',
    '2026-01-31',
    '007',
    '9007199254740993',
    '123456789012345',
    '>',
    '|',
    '?',
    ': a',
    '<<',
  ],
  ...[
    '[',
    ']',
    '{',
    '}',
    ',',
    'a,b',
    'a]',
    '#',
    '=',
    '===',
    'y',
    'no',
    'inf',
    '.inf',
    '-.inf',
    '.nan',
    '+',
    '+1',
    '-',
    '--',
    '---',
    '\u2028',
  ],
)
const word = fc.oneof({ weight: 12, arbitrary: usualWord }, { weight: 1, arbitrary: oddWord })
const usualKey = fc.constantFrom('a', 'b', 'cc', 'd-e', 'f_g', 'h.i', 'J', '_k')
const oddKey = fc.constantFrom('true', 'null', 'y', '__proto__', 'constructor', '<<', '7')
const key = fc.oneof({ weight: 20, arbitrary: usualKey }, { weight: 1, arbitrary: oddKey })

interface Style {
  readonly flow: boolean
  readonly quote: string
  readonly gap: string
}
type Tree = {
  readonly style: Style
  readonly word?: string
  readonly list?: Tree[]
  readonly map?: [string, Tree][]
}

const style = fc.record({
  flow: fc.boolean(),
  quote: fc.constantFrom('', '', '', "'", '"'),
  gap: fc.constantFrom('', '', '', '\n', ' # c', '  # c: d\n# e\n'),
})
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.record({ style, word }),
    fc.record({ style, list: fc.array(tie('tree'), { maxLength: 3 }) }),
    fc.record({ style, map: fc.array(fc.tuple(key, tie('tree')), { maxLength: 4 }) }),
  ),
}))

/** Writes it down in the styles it asks for, without caring whether that is YAML. */
function write(node: Tree, indent: number, flow: boolean): string {
  const inFlow = flow || node.style.flow
  const pad = ' '.repeat(indent)
  if (node.word !== undefined) return node.style.quote + node.word + node.style.quote
  if (inFlow) {
    const line = node.style.gap === '\n' ? `\n${pad}  ` : ''
    const parts = node.list?.map((item) => write(item, indent, true)) ?? []
    const pairs = node.map?.map(([name, item]) => `${name}: ${write(item, indent, true)}`) ?? []
    return node.list === undefined
      ? `{${line}${pairs.join(`,${line} `)}${line}}`
      : `[${line}${parts.join(`, ${line}`)}]`
  }
  const gap = node.style.gap
  if (node.list !== undefined) {
    return node.list
      .map((item) => `\n${pad}- ${write(item, indent + 2, false).replace(/^\n */, '')}${gap}`)
      .join('')
  }
  return (node.map ?? [])
    .map(([name, item]) => `\n${pad}${name}: ${write(item, indent + 2, false)}${gap}`)
    .join('')
}

test('whatever it accepts means the same to the YAML package', () => {
  let accepted = 0
  const property = fc.property(fc.array(fc.tuple(key, tree), { minLength: 1, maxLength: 4 }), (map) => {
    const root = { style: { flow: false, quote: '', gap: '' }, map }
    if (agrees(write(root, 0, false).slice(1))) accepted += 1
  })
  fc.assert(property, { numRuns: 1200 })
  assert.ok(accepted > 150, `only ${accepted} texts were plain: the generator says nothing`)
})

/** Every form that estates are written in, in as few lines as possible. */
const compact = `# comment
format: pointzero/estate/1
assumptions:
- first, one
- 'it''s second'
-  third  # comment
hosts:
  a: { id: hst_aaaaaa, zone: z-1, address: 10.1.1.10 }
  b:
    { id: hst_bbbbbb, zone: z-1,
      address: fe80::1 } # comment
  c: {id: hst_cccccc,zone: outside,address: c.example}

objectives:
  - { scenarios: [zone-loss, region-loss], rpo: PT0S, rto: PT5M }
  # comment
  - scenarios: [
        corruption,
      ]
    rpo: "PT1H"
    rto: PT10M
command: [/bin/x, --listen, '{host}:{port}', 7, true, -v]
`

test('an estate with any one place damaged is read the same way or not at all', () => {
  const mark = fc.constantFrom(
    ...[
      ' ',
      '  ',
      '\n',
      '\n ',
      '\n    ',
      ':',
      ': ',
      ' :',
      '#',
      ' #',
      '-',
      '- ',
      '[',
      ']',
      '{',
      '}',
      ',',
      '"',
      "'",
      '&a ',
      '*a',
      '!t ',
    ],
    ...[
      '|',
      '>',
      '?',
      '? ',
      '%',
      '@',
      '`',
      '\t',
      '\r',
      '\r\n',
      '\uFEFF',
      '\u0085',
      '\u2028',
      '\0',
      '\uD800',
      '---\n',
      '...\n',
      '~',
      '<<: ',
    ],
  )
  const places = fc.record({ at: fc.nat(compact.length), remove: fc.nat(3), mark })
  assert.equal(agrees(compact), true)
  let accepted = 0
  const property = fc.property(places, ({ at, remove, mark }) => {
    if (agrees(compact.slice(0, at) + mark + compact.slice(at + remove))) accepted += 1
  })
  fc.assert(property, { numRuns: 600 })
  assert.ok(accepted > 30, `only ${accepted} damaged texts were plain`)
})
