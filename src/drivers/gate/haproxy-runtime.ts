import { connect } from 'node:net'
import type { Clock } from '../../ports/clock.ts'
import { RecoveryError } from '../../domain/recovery-error.ts'

const answerMs = 2_000

/** One command a connection, plain text both ways: HAProxy's runtime socket. */
export async function haproxyCommand(clock: Clock, socketPath: string, command: string): Promise<string> {
  const timer = new AbortController()
  const socket = connect({ path: socketPath })
  try {
    return await new Promise<string>((resolve, reject) => {
      let answer = ''
      clock.sleep(answerMs, timer.signal).then(
        () => reject(unreachable(command, `no answer within ${answerMs} ms`)),
        () => undefined,
      )
      socket.once('connect', () => socket.write(`${command}\n`))
      socket.on('data', (chunk) => (answer += chunk.toString('utf8')))
      socket.once('end', () => resolve(answer.trim()))
      socket.once('error', (error) => reject(unreachable(command, error.message)))
    })
  } finally {
    timer.abort()
    socket.destroy()
  }
}

export interface HaproxyServerState {
  readonly address: string
  readonly port: number
  /** In maintenance: no new session goes there. */
  readonly closed: boolean
}

/** Reads `show servers state`: a version line, a line of column names, one line a server. */
export function parseServerState(text: string, server: string): HaproxyServerState | undefined {
  const rows = text.split('\n').map((row) => row.trim())
  const columns =
    rows
      .find((row) => row.startsWith('# '))
      ?.slice(2)
      .split(' ') ?? []
  for (const row of rows) {
    const values = row.split(' ')
    const field = (name: string): string => values[columns.indexOf(name)] ?? ''
    if (values.length < columns.length || field('srv_name') !== server) continue
    // Bit 0: maintenance now; bit 1: inherited. Bit 2 only says that the configuration began so, and stays for ever.
    const closed = (Number(field('srv_admin_state')) & 0x03) !== 0
    return { address: field('srv_addr'), port: Number(field('srv_port')), closed }
  }
  return undefined
}

/** Current sessions of a server, from the CSV of `show stat`. */
export function parseSessions(text: string, server: string): number {
  const rows = text.split('\n').map((row) => row.split(','))
  const columns = rows[0] ?? []
  const row = rows.find((values) => values[columns.indexOf('svname')] === server)
  return Number(row?.[columns.indexOf('scur')] ?? 0)
}

function unreachable(command: string, why: string): RecoveryError {
  return new RecoveryError({
    code: 'GATE_UNREACHABLE',
    class: 'transient',
    message: `HAProxy did not answer ${JSON.stringify(command)}: ${why}`,
    hint: 'see whether the process runs and who owns its runtime socket',
  })
}
