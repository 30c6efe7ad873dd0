import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PostgresComponent } from '../estate/estate.ts'
import { readEstate } from '../estate/parse-estate.ts'
import { defaultLabPolicy, labEstateText } from './lab-estate.ts'
import { labHosts } from './lab-host.ts'
import type { LabState } from './lab-state.ts'

const state: LabState = {
  format: 'pointzero/lab/1',
  instance: 'k3f9',
  directory: '/tmp/lab',
  network: 'namespaces',
  subnet: '10.9.8',
  hosts: labHosts('10.9.8'),
}

const { estate, findings } = readEstate(labEstateText(state, defaultLabPolicy), 'estate.yaml')

function ledger(): PostgresComponent {
  const component = estate.components.find(({ name }) => name === 'ledger')
  assert.equal(component?.kind, 'postgres')
  return component
}

describe("the lab's estate", () => {
  it('is one that the product accepts', () => {
    assert.equal(estate.name, 'lab-k3f9')
    assert.equal(estate.hosts.length, 6)
  })

  it('keeps the control plane, the vault and the clients out of every zone that is going to be lost', () => {
    const outside = estate.hosts.filter(({ zone }) => zone === 'outside').map(({ name }) => name)
    assert.deepEqual(outside, ['ctl', 'vlt', 'client'])
    assert.deepEqual(
      findings.filter(({ path }) => path[0] === 'controlPlane'),
      [],
    )
  })

  it('has a member in each zone, one acknowledgement for every commit, and an automatic failover', () => {
    const { members, policy } = ledger()
    assert.deepEqual(
      members.map(({ host }) => host),
      ['az1', 'az2', 'az3'],
    )
    assert.equal(policy.synchronousCount, 1)
    assert.equal(policy.failover['zone-loss'], 'automatic')
    assert.deepEqual([policy.detectMs, policy.fenceMs], [3000, 5000])
  })

  it('shares no data directory between hosts', () => {
    assert.equal(new Set(ledger().members.map(({ dataDirectory }) => dataDirectory)).size, 3)
  })

  it('promises to lose nothing and to be back in five minutes when a zone is lost', () => {
    const [objective] = estate.objectives.filter(({ scenario }) => scenario === 'zone-loss')
    assert.deepEqual([objective?.scenario, objective?.rpoMs, objective?.rtoMs], ['zone-loss', 0, 300_000])
  })

  it('carries no path of another machine and no password', () => {
    assert.doesNotMatch(labEstateText(state, defaultLabPolicy), /password: (?!env:)/)
  })
})
