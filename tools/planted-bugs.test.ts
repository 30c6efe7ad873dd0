import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { plantedBugs, requireFound } from './planted-bugs.ts'

const root = join(import.meta.dirname, '..')

test('every planted bug still has its place in the source: its text is there once, and changes it', () => {
  for (const planted of plantedBugs) requireFound(root, planted)
  const idle = plantedBugs.flatMap(({ edits }) => edits.filter(({ find, replace }) => find === replace))
  assert.deepEqual(idle, [])
  assert.ok(plantedBugs.length >= 15)
})
