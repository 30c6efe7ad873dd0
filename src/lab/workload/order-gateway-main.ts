// Many clients that send orders through a gate and keep the raw log that the checker judges by.
import { parseArgs } from 'node:util'
import { openClientLog } from './client-log.ts'
import { runOrderClient } from './order-client.ts'
import { orderSource } from './order-source.ts'
import { parseCount, parseEndpoint, runName, untilStopped } from './program-arguments.ts'

const { values: given } = parseArgs({
  options: {
    to: { type: 'string', default: '127.0.0.1:7001' },
    log: { type: 'string', default: 'order-gateway.jsonl' },
    host: { type: 'string', default: 'client' },
    run: { type: 'string', default: 'o' },
    clients: { type: 'string', default: '8' },
    seed: { type: 'string', default: '1' },
    'think-ms': { type: 'string', default: '20' },
    'retry-ms': { type: 'string', default: '50' },
    'timeout-ms': { type: 'string', default: '1000' },
    'for-ms': { type: 'string', default: '0' },
  },
})

const seed = parseCount(given.seed, 'seed')
const run = runName(given.run)
const log = openClientLog(given.log, { client: 'order-gateway', run, host: given.host, seed })
const signal = untilStopped(parseCount(given['for-ms'], 'for-ms'))
const options = {
  ...parseEndpoint(given.to),
  timeoutMs: parseCount(given['timeout-ms'], 'timeout-ms'),
  thinkMs: parseCount(given['think-ms'], 'think-ms'),
  retryMs: parseCount(given['retry-ms'], 'retry-ms'),
}
const clients = Array.from({ length: parseCount(given.clients, 'clients') }, async (_, client) => {
  await runOrderClient(options, orderSource(run, client, seed), log, signal)
})
await Promise.all(clients)
log.write({ kind: 'end' })
