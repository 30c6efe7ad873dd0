// The rules of the house, as tests. Each rule is first shown to fire on bad samples.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { linkProblems } from './tidy/document-links.ts'
import type { Document, Shelf } from './tidy/document-links.ts'
import { bansOf, lintSamples, readLintConfig, ruleOf, samplesFor, scenery } from './tidy/lint-bans.ts'
import { companionProblems } from './tidy/procedure-companions.ts'
import { reliabilityProblems, traps } from './tidy/reliability-table.ts'
import { rules } from './tidy/rules.ts'
import { parseSource, readSources } from './tidy/source-file.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const sources = readSources(root, ['src', 'test', 'tools', 'bench', 'examples'])

const documents: readonly Document[] = globSync(
  '{*.md,{docs,examples,changelog,bench,infra,test,tools}/**/*.md}',
  {
    cwd: root,
    exclude: ['**/node_modules/**'],
  },
).map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))

for (const { promise, problems, bad, good } of rules) {
  describe(promise, () => {
    test('the rule fires on every bad sample, and on no good one', () => {
      for (const [path, text] of bad) {
        assert.equal(problems(parseSource(path, text)).length, 1, `${path}: ${text}`)
      }
      for (const [path, text] of good) {
        assert.deepEqual(problems(parseSource(path, text)), [], `${path}: ${text}`)
      }
    })

    test('it holds in the repository', () => {
      assert.equal(sources.flatMap(problems).join('\n'), '')
    })
  })
}

describe('a procedure is found under one name in source, documentation, simulation and end-to-end tests', () => {
  const companions = [
    'docs/procedures/zone-failover.md',
    'test/simulation/zone-failover.sim.test.ts',
    'test/e2e/zone-failover.e2e.test.ts',
  ]
  const paths = [
    'src/procedures/zone-failover.ts',
    'src/procedures/zone-failover.test.ts',
    'src/procedures/parts/fence.ts',
  ]

  test('the rule names each companion that is missing, and no more', () => {
    assert.equal(companionProblems(paths, (path) => companions.includes(path)).length, 0)
    for (const missing of companions) {
      const problems = companionProblems(paths, (path) => path !== missing && companions.includes(path))
      assert.deepEqual(problems, [`${missing} is missing: its procedure exists`])
    }
  })

  test('it holds in the repository', () => {
    const problems = companionProblems(
      sources.map(({ path }) => path),
      (path) => existsSync(join(root, path)),
    )
    assert.equal(problems.join('\n'), '')
  })
})

describe('every link of a document leads somewhere', () => {
  test('the rule fires on every bad link, and on no good one', () => {
    const there = ['README.md', 'docs/operate', 'STYLE.md']
    const shelf: Shelf = { exists: (path) => there.includes(path), read: () => '# Effects' }
    const problems = (link: string): number =>
      linkProblems({ path: 'docs/page.md', text: `# A, b\n[x](${link})` }, shelf).length
    const good = ['../README.md', 'operate/', '#a-b', '../STYLE.md#effects', 'https://example.org/x']
    const bad = ['../ABSENT.md', 'operate/absent', '#a-c', '../STYLE.md#absent', '/etc/passwd', '../../x']
    for (const link of good) assert.equal(problems(link), 0, link)
    for (const link of bad) assert.equal(problems(link), 1, link)
  })

  test('it holds in the repository', () => {
    const shelf: Shelf = {
      exists: (path) => existsSync(join(root, path)),
      read: (path) => readFileSync(join(root, path), 'utf8'),
    }
    assert.equal(documents.flatMap((document) => linkProblems(document, shelf)).join('\n'), '')
  })
})

describe('docs/reliability.md names every trap, and only tests that there are', () => {
  const path = 'docs/reliability.md'

  test('the rule fires on what is left out, and on what is claimed without a test', () => {
    const unit = parseSource('src/x.test.ts', "test('holds', f)\ntest(`is ${a} b`, f)")
    const others = traps.filter((trap) => trap !== 'T01').map((trap) => `| **${trap}** x | y | | open: z |`)
    const problems = (row: string): number =>
      reliabilityProblems({ path, text: [row, ...others].join('\n') }, [unit]).length
    const named = (title: string): string => `[x](../src/x.test.ts) “${title}”`
    assert.equal(problems(`| **T01** x | y | ${named('holds')} · “is a b” | property; open: z |`), 0)
    assert.equal(problems(`| **T01** x | y | ${named('held')} | property |`), 1)
    assert.equal(problems(`| **T01** x | y | ${named('holds')} | property, simulation |`), 1)
    assert.equal(problems(`| **T01** x | y | ${named('holds')} | open: z |`), 1)
    assert.equal(problems('| **T01** x | y | | |'), 1)
    assert.equal(problems(''), 1)
  })

  test('it holds in the repository', () => {
    const page = documents.find((document) => document.path === path)
    assert.ok(page !== undefined)
    assert.equal(reliabilityProblems(page, sources).join('\n'), '')
  })
})

describe('every ban of .oxlintrc.json fires', () => {
  const bans = bansOf(readLintConfig(root))
  const exemptFolders = ['src/platform', 'src/cli', 'src/lab', 'tools', 'bench', 'test']

  test('every ban has a sample', () => {
    assert.ok(bans.length > 0)
    const bare = bans.filter((ban) => samplesFor(ban) === undefined)
    assert.deepEqual(bare, [])
  })

  test('every sample is reported by its rule, and none where the ban is off', () => {
    const samples = bans.flatMap((ban) =>
      (samplesFor(ban) ?? []).map((sample) => ({ ...sample, rule: ruleOf(ban) })),
    )
    const exempt = samples
      .filter(({ rule }) => rule.startsWith('no-restricted-'))
      .flatMap((sample) => exemptFolders.map((folder) => ({ ...sample, path: movedTo(folder, sample.path) })))
    const reported = lintSamples(root, [...scenery, ...samples, ...exempt])
    const isReported = ({ path, rule }: { path: string; rule: string }): boolean =>
      reported.some((diagnostic) => diagnostic.path === path && diagnostic.rule === rule)
    assert.deepEqual(
      samples
        .filter((sample) => !isReported(sample))
        .map(({ path, rule }) => `${rule} did not report ${path}`),
      [],
    )
    assert.deepEqual(
      exempt.filter(isReported).map(({ path, rule }) => `${rule} reported ${path}`),
      [],
    )
  })
})

function movedTo(folder: string, path: string): string {
  return `${folder}/${path.replaceAll('/', '-')}`
}
