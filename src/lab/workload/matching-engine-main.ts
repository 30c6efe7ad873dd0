// One matching engine: rebuilds from the ledger, prints `ready`, takes orders over TCP until it is stopped or superseded.
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { parseArgs } from 'node:util'
import type { EngineRequest } from './engine-wire.ts'
import { openLedger, Superseded } from './exchange-ledger.ts'
import { onJsonLines, writeJsonLine } from './json-lines.ts'
import { matchingEngine } from './matching-engine.ts'
import type { MatchingEngine } from './matching-engine.ts'
import { parseOrder } from './order.ts'
import { parseEndpoint } from './program-arguments.ts'

const supersededExitCode = 5

const { values: given } = parseArgs({
  options: {
    listen: { type: 'string', default: '127.0.0.1:7000' },
    ledger: { type: 'string', default: '127.0.0.1:6432' },
    database: { type: 'string', default: 'postgres' },
    user: { type: 'string', default: 'postgres' },
    'batch-max': { type: 'string', default: '64' },
    'timeout-ms': { type: 'string', default: '5000' },
  },
})

const stop = new AbortController()
const listen = parseEndpoint(given.listen)
const target = { ...parseEndpoint(given.ledger), database: given.database, user: given.user }

const engine = matchingEngine({
  open: async (heldEpoch) => await openLedger(target, heldEpoch, Number(given['timeout-ms'])),
  batchMax: Number(given['batch-max']),
  report: (event, fields) => {
    const text = Object.entries(fields).map(([name, value]) => ` ${name}=${value}`)
    process.stdout.write(`${event}${text.join('')}\n`)
    // The line that an agent waits for, with nothing else on it.
    if (event === 'rebuilt') process.stdout.write('ready\n')
  },
})

// It listens at once, so that clients are refused with a reason while it rebuilds; `ready` in its status is the truth.
const server = createServer((socket) => serveClient(socket, engine))
server.listen(listen.port, listen.address)
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort())
try {
  await engine.run(stop.signal)
} catch (error) {
  if (!(error instanceof Superseded)) throw error
  process.stdout.write(`superseded: ${error.message}\n`)
  process.exitCode = supersededExitCode
}
process.exit()

function serveClient(socket: Socket, { submit, status }: MatchingEngine): void {
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  onJsonLines(socket, (value) => {
    const request = value as Partial<EngineRequest> | null
    if (request?.type === 'status') {
      writeJsonLine(socket, status())
      return
    }
    const order = request?.type === 'order' ? parseOrder(request.order) : undefined
    if (order === undefined) socket.destroy()
    else void submit(order).then((reply) => writeJsonLine(socket, reply))
  })
}
