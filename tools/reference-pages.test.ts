import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { commandNames, commandOptions } from './reference-commands.ts'
import { documentedErrors, referencePages } from './reference-pages.ts'

const root = join(import.meta.dirname, '..')

test('the generated reference pages are those of this source', () => {
  const stale = referencePages(root).filter(
    ({ path, text }) => readFileSync(join(root, path), 'utf8') !== text,
  )
  assert.deepEqual(
    stale.map(({ path }) => path),
    [],
    'run `node tools/gen-reference.ts`',
  )
})

test('every error code has a class, a message and what to do', () => {
  const incomplete = documentedErrors(root).filter(
    ({ classes, messages, hints }) => classes.length === 0 || messages.length === 0 || hints.length === 0,
  )
  assert.deepEqual(
    incomplete.map(({ code }) => code),
    [],
    'say it in tools/reference-error-notes.ts',
  )
})

test('every `code:` of the source is on the page of errors', () => {
  const page = readFileSync(join(root, 'docs/reference/errors.md'), 'utf8')
  const codes = globSync('src/**/*.ts', { cwd: root })
    .filter((path) => !/\.test\.ts$|src\/(simulation|evidence|estate\/findings)/.test(path))
    .flatMap((path) => [...readFileSync(join(root, path), 'utf8').matchAll(/\bcode: '([A-Z][A-Z0-9_]+)'/g)])
    .map(([, code = '']) => code)
  assert.ok(codes.length > 50)
  assert.deepEqual(
    [...new Set(codes)].filter((code) => !page.includes(`\`${code}\``)),
    [],
  )
})

test('a hint names only commands that there are', () => {
  const known = new Set(['--version', ...commandNames()])
  const named = documentedErrors(root).flatMap(({ code, hints }) => {
    const texts = hints.flatMap((hint) => [...hint.matchAll(/`pointzero ([a-z-]+)(?: ([a-z]+)\b)?/g)])
    return texts.map(([, first = '', second = '']) => ({ code, first, second }))
  })
  const wrong = named.filter(({ first, second }) => !known.has(first) && !known.has(`${first} ${second}`))
  assert.deepEqual(wrong, [])
})

/** Of the lab's own program for faults, and of every command. */
const otherOptions = ['--target', '--version', '--help']

test('a hint names only options that the command has', () => {
  const options = commandOptions()
  const anywhere = new Set([...otherOptions, ...[...options.values()].flatMap((one) => [...one])])
  const wrong = documentedErrors(root).flatMap(({ code, hints }) =>
    hints.flatMap((hint) => {
      const calls = [...hint.matchAll(/`pointzero ([a-z][^`]*)/g)].map(([, line = '']) => line)
      const ofCalls = calls.flatMap((line) => {
        const [first = '', second = ''] = line.split(' ')
        const known = options.get(`${first} ${second}`) ?? options.get(first)
        return optionsIn(line).filter((option) => known?.has(option) !== true)
      })
      // What other programs take is their own business: `pg_amcheck --all`.
      const ours = hint.replaceAll(/`(?!pointzero\b|--)[^`]*`/g, '')
      const ofOthers = optionsIn(ours).filter((option) => !anywhere.has(option))
      return [...ofCalls, ...ofOthers].map((option) => `${code}: ${option} in ${hint}`)
    }),
  )
  assert.deepEqual(wrong, [])
})

function optionsIn(text: string): readonly string[] {
  return [...text.matchAll(/(?<=^|[\s`])--[a-z][a-z-]*/g)].map(([option]) => option)
}
