import assert from 'node:assert/strict'
import { test } from 'node:test'
import { offRunner } from './off-runner.ts'
import { baseSeed } from './simulation-support.ts'

const base = baseSeed(1)
const seeds = 1000
const lives = new URL('./vault-lives.ts', import.meta.url)

test(`backups under power cuts, torn writes and failing syncs: what was stored is listed, what is listed is whole (seeds from ${base})`, async (t) => {
  const { cuts, snapshots } = await offRunner<{ readonly cuts: number; readonly snapshots: number }>(
    lives,
    'vaultLives',
    base,
    seeds,
  )
  t.diagnostic(`${cuts} power cuts, ${snapshots} snapshots in ${seeds} lives`)
  assert.ok(snapshots > seeds, `${snapshots} snapshots`)
})
