import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe } from 'node:test'
import { openHaproxyGate } from '../../src/drivers/gate/haproxy-gate.ts'
import { gateContract } from '../support/gate-contract.ts'
import { clock } from '../support/system-time.ts'
import { freePort } from '../support/free-port.ts'

const binary = '/usr/sbin/haproxy'

describe('HAProxy gate', () => {
  let root = ''

  before(async () => {
    const install = 'apt-get update && apt-get install -y --no-install-recommends haproxy'
    assert.ok(existsSync(binary), `HAProxy is missing: ${install}`)
    root = await mkdtemp(join(tmpdir(), 'pz-ha-'))
  })

  after(async () => {
    await rm(root, { recursive: true, force: true })
  })

  gateContract(async () => {
    const port = await freePort()
    const listen = { address: '127.0.0.1', port }
    return await openHaproxyGate({ name: 'door', listen, binary, directory: join(root, String(port)) }, clock)
  })
})
