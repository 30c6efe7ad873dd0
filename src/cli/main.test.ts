import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

test('the pinned Node knows every engine flag that the program sets for itself', () => {
  const main = readFileSync(new URL('main.ts', import.meta.url), 'utf8')
  const set = [...main.matchAll(/setFlagsFromString\('(--[a-z-]+)/g)].map(([, flag]) => flag)
  const known = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' })
  assert.notDeepEqual(set, [])
  // An unknown one is only said on standard error, and nothing would get better.
  for (const flag of set) assert.match(known, new RegExp(`^  ${flag} `, 'm'))
})
