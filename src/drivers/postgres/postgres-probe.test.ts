import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { test } from 'node:test'
import { clock } from '../../../test/support/system-time.ts'
import { openPostgresProbe } from './postgres-probe.ts'

const probe = openPostgresProbe(clock)

async function answersTo(serve: (socket: Socket) => void): Promise<boolean> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    serve(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets: Socket[] = []
  server.on('connection', (socket) => sockets.push(socket))
  const { port } = server.address() as AddressInfo
  try {
    return await probe.answers('127.0.0.1', port, 200)
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

test('believes the one byte that a postmaster answers', async () => {
  for (const byte of ['G', 'N', 'E']) {
    assert.equal(await answersTo((socket) => socket.once('data', () => socket.write(byte))), true)
  }
  assert.equal(await answersTo((socket) => socket.once('data', () => socket.write('HTTP/1.1 400'))), false)
})

test('does not believe a connection that nobody answers, closes or refuses', async () => {
  const start = clock.monotonicMs()
  assert.equal(await answersTo(() => undefined), false)
  assert.ok(clock.monotonicMs() - start < 1_500)
  assert.equal(await answersTo((socket) => socket.end()), false)
  assert.equal(await probe.answers('127.0.0.1', 1, 200), false)
})
