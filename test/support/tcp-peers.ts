import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { Endpoint } from '../../src/ports/network.ts'

/** A server that remembers what it received; with `echo` it sends it back. */
export class RecordingServer {
  readonly #server: Server
  readonly sockets: Socket[] = []
  receivedBytes = 0

  private constructor(echo: boolean, pause: boolean) {
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: pause }, (socket) => {
      this.sockets.push(socket)
      socket.on('error', () => undefined)
      if (pause) return
      socket.on('data', (chunk) => {
        this.receivedBytes += chunk.length
        if (echo) socket.write(chunk)
      })
      if (echo) socket.on('end', () => socket.end('bye'))
    })
  }

  static async open(
    options: { readonly echo?: boolean; readonly pause?: boolean } = {},
  ): Promise<RecordingServer> {
    const recording = new RecordingServer(options.echo === true, options.pause === true)
    recording.#server.listen(0, '127.0.0.1')
    await once(recording.#server, 'listening')
    return recording
  }

  get endpoint(): Endpoint {
    return { address: '127.0.0.1', port: (this.#server.address() as AddressInfo).port }
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** A client that remembers what it received and how it ended. */
export class RecordingClient {
  readonly socket: Socket
  readonly closed: Promise<void>
  received = ''

  private constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    this.socket.on('error', () => undefined)
    this.socket.on('data', (chunk) => (this.received += chunk.toString('latin1')))
    this.closed = new Promise((resolve) => {
      this.socket.once('end', resolve)
      this.socket.once('close', () => resolve())
    })
  }

  static async open(port: number): Promise<RecordingClient> {
    const client = new RecordingClient(port)
    await Promise.race([once(client.socket, 'connect').catch(() => undefined), client.closed])
    return client
  }
}
