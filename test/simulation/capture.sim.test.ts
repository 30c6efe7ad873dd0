import assert from 'node:assert/strict'
import { test } from 'node:test'
import { offRunner } from './off-runner.ts'
import { baseSeed } from './simulation-support.ts'

const base = baseSeed(1)
const seeds = 1000
const lives = new URL('./capture-lives.ts', import.meta.url)

test(`capture under power cuts, torn writes and failing syncs: acknowledged WAL is there, the books are whole (seeds from ${base})`, async (t) => {
  const cuts = await offRunner<number>(lives, 'captureLives', base, seeds)
  t.diagnostic(`${cuts} power cuts in ${seeds} lives`)
  assert.ok(cuts > seeds / 2, `${cuts} power cuts`)
})
