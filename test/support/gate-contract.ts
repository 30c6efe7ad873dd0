import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpenGate } from '../../src/drivers/gate/builtin-gate.ts'
import { RecoveryError } from '../../src/domain/recovery-error.ts'
import { withTimeout } from '../../src/engine/with-timeout.ts'
import { clock } from './system-time.ts'
import { RecordingClient, RecordingServer } from './tcp-peers.ts'

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds(); waited += 5) {
    assert.ok(waited < 5_000, `never happened: ${what}`)
    await clock.sleep(5)
  }
}

type Promised = (gate: OpenGate, one: RecordingServer, two: RecordingServer) => Promise<void>

/** What every gate promises, each with a gate that has no target yet and two servers that echo. */
const promises: Readonly<Record<string, Promised>> = {
  'turns everybody away until it has a target': async (gate) => {
    assert.deepEqual(await gate.observe(), { epoch: 0 })
    const client = await RecordingClient.open(gate.port)
    await client.closed
    assert.equal(client.received, '')
  },

  'relays both ways, and an answer after the client has ended its side': async (gate, one) => {
    await gate.route({ target: one.endpoint, epoch: 1 })
    assert.deepEqual(await gate.observe(), { target: one.endpoint, epoch: 1 })
    const client = await RecordingClient.open(gate.port)
    client.socket.end('hello ')
    await client.closed
    assert.equal(client.received, 'hello bye')
  },

  'ends every session of another target before a new route resolves, and sends the old one not one byte more':
    async (gate, one, two) => {
      await gate.route({ target: one.endpoint, epoch: 1 })
      const clients = await Promise.all([1, 2, 3].map(async () => await RecordingClient.open(gate.port)))
      for (const client of clients) client.socket.write('a')
      await until('all reach the first target', () => one.receivedBytes === 3)
      await gate.route({ target: two.endpoint, epoch: 2 })
      const before = one.receivedBytes
      for (const client of clients) client.socket.write('late')
      await Promise.all(clients.map(async (client) => await client.closed))
      const client = await RecordingClient.open(gate.port)
      client.socket.write('b')
      await until('the second target is reached', () => client.received === 'b')
      assert.equal(one.receivedBytes, before)
      assert.equal(two.receivedBytes, 1)
    },

  'is led elsewhere at the very moment at which sessions are ending': async (gate, one, two) => {
    // What arrives there arrives together with the end of the clients, right behind it.
    const signal = await RecordingServer.open()
    const bell = await RecordingClient.open(signal.endpoint.port)
    await until('the bell is connected', () => signal.sockets.length === 1)
    for (const [round, { endpoint }] of [one, two, one, two, one, two].entries()) {
      await gate.route({ target: endpoint, epoch: 1 })
      const clients = await Promise.all([1, 2, 3].map(async () => await RecordingClient.open(gate.port)))
      for (const client of clients) client.socket.write('a')
      await until('relayed', () => clients.every(({ received }) => received === 'a'))
      const routed = new Promise<void>((resolve, reject) => {
        signal.sockets[0]?.once('data', () => void gate.route({ epoch: 1 }).then(resolve, reject))
      })
      await Promise.all(
        clients.map(async ({ socket }) => await new Promise<void>((sent) => socket.end(sent))),
      )
      bell.socket.write('now')
      const late = () => new Error(`never happened: round ${round}: the route is set`)
      await withTimeout(clock, 5_000, late, new AbortController().signal, routed)
      await Promise.all(clients.map(async ({ closed }) => await closed))
    }
    bell.socket.destroy()
    await signal.close()
  },

  'keeps sessions when it is routed again to where it leads': async (gate, one) => {
    await gate.route({ target: one.endpoint, epoch: 1 })
    const client = await RecordingClient.open(gate.port)
    client.socket.write('a')
    await until('relayed', () => client.received === 'a')
    await gate.route({ target: one.endpoint, epoch: 2 })
    client.socket.write('b')
    await until('relayed again', () => client.received === 'ab')
    assert.deepEqual(await gate.observe(), { target: one.endpoint, epoch: 2 })
  },

  'takes its target away': async (gate, one) => {
    await gate.route({ target: one.endpoint, epoch: 1 })
    const client = await RecordingClient.open(gate.port)
    client.socket.write('a')
    await until('relayed', () => client.received === 'a')
    await gate.route({ epoch: 2 })
    await client.closed
    const late = await RecordingClient.open(gate.port)
    late.socket.write('b')
    await late.closed
    assert.equal(one.receivedBytes, 1)
  },

  'lets nobody in behind a shut door, keeps who is inside until they are ended, and is open again afterwards':
    async (gate, one) => {
      await gate.route({ target: one.endpoint, epoch: 1 })
      const inside = await RecordingClient.open(gate.port)
      inside.socket.write('a')
      await until('relayed', () => inside.received === 'a')
      await gate.setDoor({ shut: true, message: 'Closed.' })
      assert.deepEqual(await gate.observe(), { target: one.endpoint, epoch: 1, shut: true })
      const late = await RecordingClient.open(gate.port)
      late.socket.write('x')
      await late.closed
      inside.socket.write('b')
      await until('who is inside goes on', () => inside.received === 'ab')
      assert.equal(await gate.sessions(), 1)
      await gate.endSessions()
      await inside.closed
      for (let waited = 0; (await gate.sessions()) > 0; waited += 5) {
        assert.ok(waited < 2_000)
        await clock.sleep(5)
      }
      assert.equal(one.receivedBytes, 2)
      await gate.setDoor({ shut: false, message: '' })
      assert.deepEqual(await gate.observe(), { target: one.endpoint, epoch: 1 })
      const next = await RecordingClient.open(gate.port)
      next.socket.write('c')
      await until('clients come in again', () => next.received === 'c')
    },

  'is led elsewhere behind a shut door, and lets nobody in for it': async (gate, one, two) => {
    await gate.route({ target: one.endpoint, epoch: 1 })
    await gate.setDoor({ shut: true, message: 'Closed.' })
    await gate.setDoor({ shut: true, message: 'Closed.' })
    await gate.route({ epoch: 2 })
    await gate.route({ target: two.endpoint, epoch: 3 })
    assert.deepEqual(await gate.observe(), { target: two.endpoint, epoch: 3, shut: true })
    const client = await RecordingClient.open(gate.port)
    client.socket.write('x')
    await client.closed
    await gate.setDoor({ shut: false, message: '' })
    const next = await RecordingClient.open(gate.port)
    next.socket.write('c')
    await until('the second target is reached', () => next.received === 'c')
    assert.equal(one.receivedBytes + two.receivedBytes, 1)
  },

  'refuses the route of an executor that was superseded': async (gate, one, two) => {
    await gate.route({ target: two.endpoint, epoch: 3 })
    await assert.rejects(
      gate.route({ target: one.endpoint, epoch: 2 }),
      (error) => error instanceof RecoveryError && error.code === 'EPOCH_STALE' && error.class === 'refused',
    )
    assert.deepEqual(await gate.observe(), { target: two.endpoint, epoch: 3 })
  },

  'closes a client promptly when the target refuses or dies': async (gate, one, two) => {
    await gate.route({ target: one.endpoint, epoch: 1 })
    const client = await RecordingClient.open(gate.port)
    client.socket.write('a')
    await until('relayed', () => client.received === 'a')
    for (const socket of one.sockets) socket.resetAndDestroy()
    await client.closed
    const dead = await RecordingServer.open()
    const { endpoint } = dead
    await dead.close()
    await gate.route({ target: endpoint, epoch: 2 })
    const start = clock.monotonicMs()
    await (
      await RecordingClient.open(gate.port)
    ).closed
    assert.ok(clock.monotonicMs() - start < 2_500)
    assert.equal(two.receivedBytes, 0)
  },

  'makes a fast sender wait for a target that does not read': async (gate) => {
    const slow = await RecordingServer.open({ pause: true })
    await gate.route({ target: slow.endpoint, epoch: 1 })
    const client = await RecordingClient.open(gate.port)
    const mebibyte = Buffer.alloc(1 << 20)
    let accepted = 0
    const send = (): void => {
      while (accepted < 256 && client.socket.write(mebibyte)) accepted += 1
      if (accepted < 256) accepted += 1
    }
    client.socket.on('drain', send)
    send()
    await clock.sleep(500)
    assert.ok(accepted < 64, `${accepted} MiB were taken from a sender that nobody reads`)
    client.socket.destroy()
    await slow.close()
  },
}

/** `open` gives a new gate without a target. */
export function gateContract(open: () => Promise<OpenGate>): void {
  for (const [title, holds] of Object.entries(promises)) test(title, async () => withGate(open, holds))
}

async function withGate(open: () => Promise<OpenGate>, use: Promised): Promise<void> {
  const one = await RecordingServer.open({ echo: true })
  const two = await RecordingServer.open({ echo: true })
  const gate = await open()
  try {
    await use(gate, one, two)
  } finally {
    await gate.close()
    await one.close()
    await two.close()
  }
}
