import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Client } from 'pg'
import { gateContract } from '../../../test/support/gate-contract.ts'
import { clock } from '../../../test/support/system-time.ts'
import { RecordingClient, RecordingServer } from '../../../test/support/tcp-peers.ts'
import { openBuiltinGate } from './builtin-gate.ts'

describe('built-in gate', () => {
  gateContract(
    async () => await openBuiltinGate({ name: 'door', listen: { address: '127.0.0.1', port: 0 } }, clock),
  )

  test('tells a client of PostgreSQL why it is turned away, also one that asks for encryption first', async () => {
    const listen = { address: '127.0.0.1', port: 0 }
    const gate = await openBuiltinGate({ name: 'door', listen, speaks: 'postgres' }, clock)
    await gate.setDoor({ shut: true, message: 'Closed for maintenance.' })
    const client = new Client({ host: '127.0.0.1', port: gate.port, user: 'u', database: 'd' })
    await assert.rejects(client.connect(), { code: '57P03', message: 'Closed for maintenance.' })
    const asking = await RecordingClient.open(gate.port)
    asking.socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))
    while (asking.received === '') await clock.sleep(5)
    assert.equal(asking.received, 'N')
    const startup = Buffer.from('\0\0\0\x0f\0\x03\0\0user\0u\0', 'latin1')
    startup[3] = startup.length
    asking.socket.write(startup)
    await asking.closed
    assert.match(asking.received, /57P03\0MClosed for maintenance\./)
    const garbage = await RecordingClient.open(gate.port)
    garbage.socket.write('GET / HTTP/1.1\r\n\r\n')
    await garbage.closed
    assert.equal(garbage.received, '')
    await gate.close()
  })

  test('lets its own host in behind a shut door where it was told to, and does not count it', async () => {
    const one = await RecordingServer.open({ echo: true })
    const gate = await openBuiltinGate({ name: 'door', listen: { address: '127.0.0.1', port: 0 } }, clock)
    await gate.route({ target: one.endpoint, epoch: 1 })
    await gate.setDoor({ shut: true, message: '', admitsOwnHost: true })
    const own = await RecordingClient.open(gate.port)
    own.socket.write('a')
    while (own.received === '') await clock.sleep(5)
    assert.equal(await gate.sessions(), 0)
    await gate.endSessions()
    own.socket.write('b')
    while (own.received === 'a') await clock.sleep(5)
    assert.equal(own.received, 'ab')
    await gate.close()
    await one.close()
  })
})
