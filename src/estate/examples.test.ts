import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { canonicalJson } from '../domain/canonical-json.ts'
import type { Facts } from '../domain/facts.ts'
import { estateJsonSchema } from './estate-json-schema.ts'
import { estateToJson } from './estate-to-json.ts'
import type { Estate } from './estate.ts'
import { readEstate } from './parse-estate.ts'
import { readPlainYaml } from './plain-yaml.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

for (const name of ['exchange', 'point-zero-one']) {
  const text = read(`examples/${name}/estate.yaml`)
  const { estate, findings } = readEstate(text, `examples/${name}/estate.yaml`)
  const facts = JSON.parse(read(`examples/${name}/facts.json`)) as Facts

  test(`${name}: is read without a finding, by the fast reader`, () => {
    assert.deepEqual(findings, [])
    assert.ok(readPlainYaml(text))
  })

  test(`${name}: has a canonical form, the same for the same text`, () => {
    const again = readEstate(text, 'again').estate
    assert.equal(canonicalJson(estateToJson(estate)), canonicalJson(estateToJson(again)))
    assert.deepEqual(JSON.parse(canonicalJson(estateToJson(estate))), estate)
  })

  test(`${name}: its facts are those of a healthy estate, all of it`, () => {
    assert.equal(facts.format, 'pointzero/facts/1')
    assert.equal(facts.estate, estate.id)
    assert.deepEqual(seenPlaces(facts), declaredPlaces(estate))
    for (const { leader, members, publishedSync } of facts.clusters) {
      assert.deepEqual(
        members.filter(({ role }) => role === 'primary').map(({ member }) => member),
        [leader],
      )
      assert.ok(members.every(({ role, receiving }) => receiving === (role === 'standby')))
      assert.ok(
        publishedSync.every((label) =>
          members.some((member) => member.name === label && member.role === 'standby'),
        ),
      )
    }
  })

  test(`${name}: every sentence of the document is accounted for`, () => {
    const requirement = {
      exchange: 'exchange-disaster-recovery-plan',
      'point-zero-one': 'point-zero-one-disaster-recovery',
    }[name]
    const table = read(`examples/${name}/README.md`)
    assert.ok(table.includes(requirement ?? ''))
    for (const { name: component } of estate.components) assert.ok(table.includes(component), component)
    for (const { name: schedule } of estate.schedules) assert.ok(table.includes(schedule), schedule)
  })
}

/** Everything that facts speak about: component, place, zone. */
function declaredPlaces(estate: Estate): readonly string[] {
  const zone = (host: string) => estate.hosts.find(({ name }) => name === host)?.zone
  return estate.components
    .flatMap((component) => {
      if (component.kind === 'postgres') {
        return component.members.map(({ id, name, host }) =>
          [component.id, id, name, host, zone(host)].join(' '),
        )
      }
      if (component.kind === 'gate') return component.listeners.map(({ host }) => `${component.id} ${host}`)
      return component.kind === 'compute'
        ? component.instances.map(({ host }) => `${component.id} ${host} ${zone(host)}`)
        : []
    })
    .sort()
}

function seenPlaces({ clusters, gates, instances }: Facts): readonly string[] {
  return [
    ...clusters.flatMap(({ component, members }) =>
      members.map(({ member, name, host, zone }) => [component, member, name, host, zone].join(' ')),
    ),
    ...gates.map(({ component, host }) => `${component} ${host}`),
    ...instances.map(({ component, host, zone }) => `${component} ${host} ${zone}`),
  ].sort()
}

test('docs/reference/estate.schema.json is what `node tools/gen-estate-schema.ts` writes', () => {
  assert.deepEqual(
    JSON.parse(read('docs/reference/estate.schema.json')),
    JSON.parse(JSON.stringify(estateJsonSchema())),
  )
})

test('docs/reference/estate.md names every key and every possible value', () => {
  const page = read('docs/reference/estate.md')
  const words = new Set<string>()
  collect(estateJsonSchema(), words)
  const missing = [...words].filter((word) => !new RegExp(`(?<![\\w-])${word}(?![\\w-])`).test(page))
  assert.deepEqual(missing, [])
})

function collect(schema: unknown, words: Set<string>): void {
  if (typeof schema !== 'object' || schema === null) return
  const { properties, enum: values, ...rest } = schema as Record<string, unknown>
  for (const key of Object.keys(properties ?? {})) words.add(key)
  if (Array.isArray(values)) for (const value of values) words.add(String(value))
  for (const part of Object.values({ ...(properties as object | undefined), ...rest })) collect(part, words)
}
