import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openHaproxyGate } from '../../src/drivers/gate/haproxy-gate.ts'
import { haproxyCommand } from '../../src/drivers/gate/haproxy-runtime.ts'
import { gateContract } from '../support/gate-contract.ts'
import { clock } from '../support/system-time.ts'
import { RecordingClient, RecordingServer } from '../support/tcp-peers.ts'
import { freePort } from '../support/free-port.ts'

const binary = '/usr/sbin/haproxy'

/** 0 while none answers. */
async function pidOf(directory: string): Promise<number> {
  const info = await haproxyCommand(clock, join(directory, 'runtime'), 'show info').catch(() => '')
  return Number(/^Pid: (\d+)$/m.exec(info)?.[1] ?? 0)
}

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

  test('a process that died comes up with its door shut', async () => {
    const one = await RecordingServer.open({ echo: true })
    const port = await freePort()
    const directory = join(root, String(port))
    const gate = await openHaproxyGate(
      { name: 'door', listen: { address: '127.0.0.1', port }, binary, directory },
      clock,
    )
    await gate.route({ target: one.endpoint, epoch: 1 })
    await gate.setDoor({ shut: true, message: 'Closed.' })
    const pid = await pidOf(directory)
    process.kill(pid, 'SIGKILL')
    const isRouted = async (): Promise<boolean> =>
      await gate.route({ target: one.endpoint, epoch: 2 }).then(
        async () => (await pidOf(directory)) !== pid,
        () => false,
      )
    while (!(await isRouted())) await clock.sleep(20)
    assert.deepEqual(await gate.observe(), { target: one.endpoint, epoch: 2, shut: true })
    const client = await RecordingClient.open(port)
    client.socket.write('x')
    await client.closed
    assert.equal(one.receivedBytes, 0)
    await gate.close()
    await one.close()
  })

  gateContract(async () => {
    const port = await freePort()
    const listen = { address: '127.0.0.1', port }
    return await openHaproxyGate({ name: 'door', listen, binary, directory: join(root, String(port)) }, clock)
  })
})
