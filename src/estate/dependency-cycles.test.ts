import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { dependencyCycles } from './dependency-cycles.ts'

const graph = (edges: Readonly<Record<string, readonly string[]>>) => new Map(Object.entries(edges))

test('a cycle is found whole, beginning with what was declared first', () => {
  assert.deepEqual(dependencyCycles(graph({ x: ['a'], a: ['b'], b: ['c'], c: ['a'] })), [['a', 'b', 'c']])
})

test('separate cycles are reported separately, and each the short way round', () => {
  const found = dependencyCycles(graph({ a: ['b', 'c'], b: ['a'], c: ['b'], d: ['d'], e: [] }))
  assert.deepEqual(found, [['a', 'b'], ['d']])
})

test('what does not exist is no cycle', () => {
  assert.deepEqual(dependencyCycles(graph({ a: ['nobody'] })), [])
})

test('a chain of 20,000 neither exhausts the stack nor takes long', () => {
  const chain = new Map(Array.from({ length: 20_000 }, (_, at) => [`n${at}`, [`n${at + 1}`]] as const))
  assert.deepEqual(dependencyCycles(chain), [])
})

test('an acyclic graph has none, and closing it makes one', () => {
  const edges = fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 30 })
  fc.assert(
    fc.property(edges, (pairs) => {
      const nodes = new Map(Array.from({ length: 10 }, (_, at) => [`${at}`, [] as string[]]))
      for (const [left, right] of pairs) if (left < right) nodes.get(`${left}`)?.push(`${right}`)
      assert.deepEqual(dependencyCycles(nodes), [])
      const [pair] = pairs.filter(([left, right]) => left < right)
      if (pair === undefined) return
      nodes.get(`${pair[1]}`)?.push(`${pair[0]}`)
      const [cycle] = dependencyCycles(nodes)
      assert.ok(cycle)
      for (const [at, node] of cycle.entries())
        assert.ok(nodes.get(node)?.includes(cycle[(at + 1) % cycle.length] ?? ''))
    }),
  )
})
