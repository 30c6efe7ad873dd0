import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readEstate } from '../src/estate/parse-estate.ts'
import { commandNames, commandOptions } from './reference-commands.ts'

const root = join(import.meta.dirname, '..')
/** The pages that are made from the source have tests of their own. */
const pages = globSync('{*.md,docs/**/*.md,examples/**/*.md}', { cwd: root }).filter(
  (path) => !/^docs\/reference\/(commands|errors)\.md$/.test(path),
)

/** Each `pointzero …` that a reader could type: in a code span or a fence, up to the end of the command. */
function typed(text: string): readonly string[] {
  const code = [...text.matchAll(/```sh\n([\s\S]*?)```|`(pointzero [^`\n]+)`/g)]
  return code.flatMap(([, fence, span]) =>
    (fence ?? span ?? '').split('\n').flatMap((line) => {
      const command = /^\s*(?:\S*\/)?pointzero (.*)$/.exec(line.replace(/(^|\s)#.*$/, ''))?.[1]
      return command === undefined ? [] : [command]
    }),
  )
}

test('documents name only commands and options that there are', () => {
  const known = commandOptions()
  const names = new Set(['--version', '--help', ...commandNames()])
  const wrong = pages.flatMap((path) =>
    typed(readFileSync(join(root, path), 'utf8')).flatMap((line) => {
      const [first = '', second = ''] = line.split(/\s+/)
      const name = names.has(`${first} ${second}`) ? `${first} ${second}` : first
      const isPlaceholder = /^[<…$]/.test(first)
      const options = [...line.matchAll(/(?<=\s)--[a-z-]+/g)].map(([option]) => option)
      const strange = options.filter((option) => known.get(name)?.has(option) !== true)
      if (isPlaceholder || (names.has(name) && strange.length === 0)) return []
      return [`${path}: pointzero ${line}`]
    }),
  )
  assert.deepEqual(wrong, [])
})

test('the estate of docs/operate/first-estate.md is read without a finding', () => {
  const text = readFileSync(join(root, 'docs/operate/first-estate.md'), 'utf8')
  const yaml = /```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? ''
  const { estate, findings } = readEstate(yaml, 'first-estate.md')
  assert.equal(estate.components.length, 2)
  assert.deepEqual(findings, [])
})
