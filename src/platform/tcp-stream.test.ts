import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openTcpStream } from './tcp-stream.ts'

async function serving(
  handler: (socket: Socket) => void,
  body: (port: number, server: Server) => Promise<void>,
) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    handler(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await body((server.address() as AddressInfo).port, server)
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

const to = (port: number) => ({ address: '127.0.0.1', port, connectTimeoutMs: 2_000 })

test('carries bytes both ways, and leaves a chunk as it is until the next one is asked for', async () => {
  const sent = Buffer.alloc(3_000_000, 0).map((_, index) => index % 251)
  await serving(
    (socket) => socket.once('data', () => socket.end(sent)),
    async (port) => {
      const stream = await openTcpStream(to(port))
      await stream.write(Buffer.from('go'))
      const seen: Uint8Array[] = []
      for (let chunk = await stream.read(); chunk !== undefined; chunk = await stream.read()) {
        const before = chunk.slice()
        // What arrives meanwhile goes elsewhere.
        if (seen.length % 5 === 0) await sleep(2)
        assert.equal(Buffer.compare(chunk, before), 0)
        seen.push(before)
      }
      assert.ok(Buffer.concat(seen).equals(Buffer.from(sent)))
      stream.close()
    },
  )
})

test('reads a long stream into a few rooms that are used in turn', async () => {
  const sent = Buffer.alloc(20_000_000, 7)
  await serving(
    (socket) => socket.end(sent),
    async (port) => {
      const stream = await openTcpStream(to(port))
      const rooms = new Set<ArrayBufferLike>()
      let [bytes, reads] = [0, 0]
      for (let chunk = await stream.read(); chunk !== undefined; chunk = await stream.read()) {
        rooms.add(chunk.buffer)
        bytes += chunk.length
        reads += 1
      }
      assert.equal(bytes, sent.length)
      // Three sizes at most, of each as many as are in use at one time.
      assert.ok(reads > 4 * rooms.size && rooms.size <= 12, `${rooms.size} rooms in ${reads} reads`)
      stream.close()
    },
  )
})

test('blocks a peer that sends more than is read', async () => {
  let accepted = 0
  await serving(
    (socket) => {
      const chunk = Buffer.alloc(256 * 1024)
      const more = () =>
        socket.write(chunk, (error) => (error ? undefined : ((accepted += chunk.length), more())))
      more()
    },
    async (port) => {
      const stream = await openTcpStream(to(port))
      await stream.read()
      await sleep(200)
      const before = accepted
      await sleep(200)
      assert.equal(accepted, before, 'the peer is still sending')
      assert.ok(accepted < 64 * 1024 * 1024)
      stream.close()
    },
  )
})

test('names what went wrong: refused, lost, silent, aborted', async () => {
  let closedPort = 0
  await serving(
    () => undefined,
    async (port) => {
      closedPort = port
    },
  )
  await sleep(20)
  await assert.rejects(openTcpStream(to(closedPort)), {
    code: 'PG_UNREACHABLE',
    class: 'transient',
    hint: /pg_isready/,
  })
  await serving(
    (socket) => socket.once('data', () => socket.resetAndDestroy()),
    async (port) => {
      const lost = await openTcpStream(to(port))
      await lost.write(Buffer.from('x'))
      await assert.rejects(lost.read(), { code: 'PG_CONNECTION_LOST', class: 'transient' })
      await assert.rejects(lost.write(Buffer.from('x')), { code: 'PG_CONNECTION_LOST' })
      lost.close()
      const silent = await openTcpStream({ ...to(port), idleTimeoutMs: 50 })
      await assert.rejects(silent.read(), {
        code: 'PG_CONNECTION_LOST',
        message: /nothing arrived for 50 ms/,
      })
      const abort = new AbortController()
      const aborted = await openTcpStream({ ...to(port), signal: abort.signal })
      const reading = aborted.read()
      abort.abort()
      await assert.rejects(reading, { code: 'PG_CONNECTION_ABORTED' })
      await assert.rejects(openTcpStream({ ...to(port), signal: abort.signal }), { name: 'AbortError' })
      const closed = await openTcpStream(to(port))
      const pending = closed.read()
      closed.close()
      closed.close()
      await pending.catch(() => undefined)
    },
  )
})
