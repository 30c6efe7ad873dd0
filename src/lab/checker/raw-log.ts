import { readFileSync } from 'node:fs'

/** An order as the client logged it before it sent it. */
export interface SentOrder {
  readonly id: string
  readonly account: string
  readonly symbol: string
  readonly side: string
  readonly price: number
  readonly quantity: number
}

/** One request of one client. All times are milliseconds of the machine's monotonic clock. */
export interface Attempt {
  readonly client: string
  readonly run: string
  readonly id: string
  readonly attempt: number
  readonly sentMs: number
  /** Absent: the client died before it knew. */
  readonly endMs?: number
  readonly outcome: 'acked' | 'refused' | 'unknown'
  readonly order?: SentOrder
  readonly sequence?: number
  /** Who confirmed it. */
  readonly server?: string
  readonly timeline?: number
  readonly reason?: string
}

export interface RoleSample {
  readonly server: string
  readonly role: string
  readonly atMs: number
}

export interface RawLog {
  readonly file: string
  readonly client: string
  readonly run: string
  readonly attempts: readonly Attempt[]
  readonly roles: readonly RoleSample[]
  /** Stamps of the first and the last line. */
  readonly fromMs: number
  readonly toMs: number
  /** The client ended in order. */
  readonly complete: boolean
}

export interface FaultRecord {
  readonly kind: string
  readonly target: string
  readonly event: string
  readonly monoMs: number
}

type Line = Readonly<Record<string, unknown>>

export function readRawLog(file: string): RawLog {
  return parseRawLog(file, readFileSync(file, 'utf8'))
}

export function parseRawLog(file: string, text: string): RawLog {
  const lines = parseLines(file, text)
  const [header] = lines
  if (header?.['format'] !== 'pointzero/client-log/1') {
    throw new Error(`${file}: format ${String(header?.['format'])} is not pointzero/client-log/1`)
  }
  const client = String(header['client'])
  const run = String(header['run'])
  const orders = new Map<string, SentOrder>()
  const open = new Map<string, Attempt>()
  const attempts: Attempt[] = []
  for (const line of lines) {
    const key = `${String(line['id'])} ${String(line['attempt'])}`
    if (line['kind'] === 'sent') {
      const id = String(line['id'])
      if (line['order'] !== undefined) orders.set(id, line['order'] as SentOrder)
      const order = orders.get(id)
      const sent = { client, run, id, attempt: Number(line['attempt']), sentMs: Number(line['monoMs']) }
      open.set(key, { ...sent, outcome: 'unknown', ...(order === undefined ? {} : { order }) })
    } else if (line['kind'] === 'outcome') {
      const sent = open.get(key)
      if (sent === undefined) throw new Error(`${file}: an outcome of ${key}, which was not sent`)
      open.delete(key)
      attempts.push({ ...sent, ...outcomeOf(line) })
    }
  }
  const roles = lines.filter(({ kind }) => kind === 'role').map(roleOf)
  const stamps = lines.map(({ monoMs }) => Number(monoMs))
  return {
    file,
    client,
    run,
    attempts: [...attempts, ...open.values()].toSorted((a, b) => a.sentMs - b.sentMs),
    roles,
    fromMs: stamps[0] ?? 0,
    toMs: stamps.at(-1) ?? 0,
    complete: lines.at(-1)?.['kind'] === 'end',
  }
}

export function readFaultLog(file: string): readonly FaultRecord[] {
  return parseLines(file, readFileSync(file, 'utf8')).map((line) => ({
    kind: String(line['fault']),
    target: String(line['target']),
    event: String(line['event']),
    monoMs: Number(line['monoMs']),
  }))
}

function outcomeOf(line: Line): Pick<Attempt, 'outcome'> & Partial<Attempt> {
  const { outcome, sequence, server, timeline, reason } = line
  if (outcome !== 'acked' && outcome !== 'refused' && outcome !== 'unknown') {
    throw new Error(`an outcome that this checker does not know: ${JSON.stringify(outcome)}`)
  }
  return {
    outcome,
    endMs: Number(line['monoMs']),
    ...(typeof sequence === 'number' ? { sequence } : {}),
    ...(typeof server === 'string' ? { server } : {}),
    ...(typeof timeline === 'number' ? { timeline } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
  }
}

function roleOf(line: Line): RoleSample {
  return { server: String(line['server']), role: String(line['role']), atMs: Number(line['monoMs']) }
}

/** A client that was killed may have left half a last line; anywhere else a broken line is an error. */
function parseLines(file: string, text: string): readonly Line[] {
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.flatMap((line, index): readonly Line[] => {
    try {
      return [JSON.parse(line) as Line]
    } catch {
      if (index === lines.length - 1 && !text.endsWith('\n')) return []
      throw new Error(`${file}:${index + 1}: not JSON`)
    }
  })
}
