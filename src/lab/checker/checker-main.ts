// The independent checker. It shares no code with the product, nor with the workload: it reads what clients were told (their raw logs),
// what is there (the surviving database), what the engine says, and judges. Exit code 0 passed, 1 failed, 2 usage, 3 inconclusive.
import { globSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { askEngine } from './engine-state.ts'
import { judge } from './judgement.ts'
import { judgementTable } from './judgement-table.ts'
import { readFaultLog, readRawLog } from './raw-log.ts'
import { dumpDatabase, readRows } from './surviving-rows.ts'
import type { SurvivingRows } from './surviving-rows.ts'

const usage = `usage: node checker-main.ts --log FILE… | --logs DIRECTORY  --database HOST:PORT | --rows FILE
  [--database-name NAME] [--user NAME] [--engine HOST:PORT] [--fault-log FILE] [--rto-ms N]
  [--keep-rows FILE] [--json FILE]`

const exitCodes = { passed: 0, failed: 1, inconclusive: 3 } as const

const { values: given } = parseArgs({
  options: {
    log: { type: 'string', multiple: true, default: [] },
    logs: { type: 'string' },
    database: { type: 'string' },
    'database-name': { type: 'string', default: 'postgres' },
    user: { type: 'string', default: 'postgres' },
    rows: { type: 'string' },
    engine: { type: 'string' },
    'fault-log': { type: 'string' },
    'rto-ms': { type: 'string' },
    'keep-rows': { type: 'string' },
    json: { type: 'string' },
  },
})

const files = [
  ...given.log,
  ...(given.logs === undefined ? [] : globSync(join(given.logs, '*.client.jsonl'))),
]
if (files.length === 0 || (given.database === undefined && given.rows === undefined)) {
  process.stderr.write(`${usage}\n`)
  process.exit(2)
}

const rows = await survivingRows()
if (given['keep-rows'] !== undefined) writeFileSync(given['keep-rows'], JSON.stringify(rows))
const engine = given.engine === undefined ? undefined : await askEngine(...endpoint(given.engine))
const judgement = judge({
  logs: files.map(readRawLog),
  rows,
  ...(given.engine === undefined ? {} : { engine: engine ?? 'silent' }),
  ...(given['fault-log'] === undefined ? {} : { faults: readFaultLog(given['fault-log']) }),
  ...(given['rto-ms'] === undefined ? {} : { recoveryTimeMs: Number(given['rto-ms']) }),
})
const json = `${JSON.stringify(judgement, undefined, 2)}\n`
if (given.json === undefined) process.stdout.write(json)
else writeFileSync(given.json, json)
process.stderr.write(`${judgementTable(judgement)}\n`)
process.exitCode = exitCodes[judgement.verdict]

async function survivingRows(): Promise<SurvivingRows> {
  if (given.database === undefined) return readRows(given.rows ?? '')
  const [host, port] = endpoint(given.database)
  return await dumpDatabase({ host, port, database: given['database-name'], user: given.user })
}

function endpoint(text: string): readonly [string, number] {
  const at = text.lastIndexOf(':')
  return [text.slice(0, at), Number(text.slice(at + 1))]
}
