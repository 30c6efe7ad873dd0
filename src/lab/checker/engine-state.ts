import { connect } from 'node:net'

export interface EngineState {
  readonly ready: boolean
  readonly epoch: number
  readonly sequence: number
  readonly stateHash: string
}

/** Asks the running engine what its state is. Undefined when it does not answer. */
export async function askEngine(address: string, port: number): Promise<EngineState | undefined> {
  const { promise, resolve } = Promise.withResolvers<EngineState | undefined>()
  const socket = connect({ host: address, port, timeout: 3000 })
  let text = ''
  socket.setEncoding('utf8')
  socket.on('connect', () => socket.write('{"type":"status"}\n'))
  socket.on('data', (chunk: string) => {
    text += chunk
    if (text.includes('\n')) resolve(JSON.parse(text.slice(0, text.indexOf('\n'))) as EngineState)
  })
  for (const event of ['timeout', 'error', 'close']) socket.on(event, () => resolve(undefined))
  return await promise.finally(() => socket.destroy())
}
