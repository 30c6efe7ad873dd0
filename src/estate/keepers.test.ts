import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clusterNamed } from './estate-lookup.ts'
import { keepersOf } from './keepers.ts'
import { parseEstate } from './parse-estate.ts'
import { smallEstateText } from './small-estate.ts'

const vault = 'vault: { kind: file, location: east,'

function keepers(text: string) {
  const estate = parseEstate(text, 'estate.yaml')
  return keepersOf(estate, clusterNamed(estate, 'ledger'))
}

describe('keepersOf', () => {
  it('names the host whose agent keeps the store of archive and backups', () => {
    const found = keepers(smallEstateText.replace(vault, `${vault} host: witness,`))
    assert.equal(found.archive?.id, 'hst_witness')
    assert.equal(found.vault?.id, 'hst_witness')
  })

  it('names nobody for a store that no host keeps', () => {
    assert.deepEqual(keepers(smallEstateText), {})
  })
})
