import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { plantedBugs } from './planted-bugs.ts'

const root = join(import.meta.dirname, '..')

test('every planted bug still has its place in the source: its text is there once, and changes it', () => {
  const places = plantedBugs.flatMap(({ name, edits }) => edits.map((edit) => ({ name, ...edit })))
  const lost = places.filter(({ file, find, replace }) => {
    return find === replace || readFileSync(join(root, file), 'utf8').split(find).length !== 2
  })
  assert.deepEqual(lost, [])
  assert.ok(plantedBugs.length >= 15)
})
