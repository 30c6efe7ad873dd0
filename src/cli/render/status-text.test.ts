import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Facts } from '../../domain/facts.ts'
import { isBuilt } from '../../estate/built-recoveries.ts'
import { parseEstate } from '../../estate/parse-estate.ts'
import { readiness } from '../../estate/readiness.ts'
import { paintFor } from './paint.ts'
import { statusText } from './status-text.ts'

const read = (file: string) =>
  readFileSync(new URL(`../../../examples/exchange/${file}`, import.meta.url), 'utf8')
const estate = parseEstate(read('estate.yaml'), 'estate.yaml')
const facts = JSON.parse(read('facts.json')) as Facts
const status = {
  productVersion: '0.1.0',
  estate: estate.id,
  sandbox: false,
  facts,
  clusters: [],
  hosts: [{ host: 'app1' }],
}

function shown(of: typeof estate, sandbox = false): string {
  const ready = readiness(of, { facts, nowMs: 1 })
  return statusText(
    { estate: of, status: { ...status, sandbox }, readiness: ready },
    paintFor({ hasColour: false }),
  )
}

function lineOf(text: string, component: string): string {
  return text.split('\n').find((line) => line.startsWith(`${component} `)) ?? ''
}

test('every component has a colour in words, and none is green without proof', () => {
  const text = shown(estate)
  for (const { name } of estate.components) assert.match(lineOf(text, name), / (RED|UNKNOWN|AMBER) /)
  assert.doesNotMatch(text, / GREEN /)
})

test('a kind that is not built is not yet recoverable', () => {
  const calm = { ...estate, objectives: [] }
  const text = shown(calm)
  const others = calm.components.filter(({ kind }) => !isBuilt(kind))
  assert.ok(others.length > 0)
  for (const { name } of others) assert.match(lineOf(text, name), /AMBER +not yet recoverable/)
})

test('a component without a policy is red', () => {
  const components = estate.components.map((one) =>
    one.name === 'ledger' ? { ...one, unprotected: true as const } : one,
  )
  assert.match(lineOf(shown({ ...estate, components }), 'ledger'), / RED +no policy/)
})

test('a host that never reported is unknown, and a sandbox says that it is one', () => {
  assert.match(shown(estate), /app1 +never: unknown/)
  assert.doesNotMatch(shown(estate), /SANDBOX/)
  assert.match(shown(estate, true), /SANDBOX: its runs are drills/)
})
