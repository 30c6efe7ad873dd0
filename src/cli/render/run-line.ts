import type { RunEvent, RunRecord } from '../../engine/run-event.ts'
import { runWords } from '../../evidence/run-kind.ts'
import type { RunKind } from '../../evidence/run-kind.ts'
import { milliseconds } from './milliseconds.ts'
import type { Paint } from './paint.ts'
import { plainText } from './plain-text.ts'

const colours = { real: 'red', drill: 'cyan', lab: 'yellow' } as const

/** One line for one record, the same on a terminal, in a pipe and in a log. What kind of run it is stands in front of every line. */
export function runLine(record: RunRecord, kind: RunKind, paint: Paint): string {
  const label = paint(colours[kind], runWords[kind].padEnd(5))
  const seq = String(record.seq).padStart(3)
  return `${label} ${paint('dim', seq)} ${eventText(record.event, paint)}\n`
}

function eventText(event: RunEvent, paint: Paint): string {
  switch (event.type) {
    case 'opened':
      return `opened       ${event.plan.procedure}, asked for by ${event.requestedBy}, plan ${event.planHash.slice(0, 12)}`
    case 'took-over':
      return `took over    ${event.scope} at epoch ${event.epoch} by ${event.executor}`
    case 'intent':
      return `${event.kind === 'apply' ? 'doing ' : 'undoing'}       ${event.step} on ${event.on}${attemptText(event.attempt)}`
    case 'outcome':
      return outcomeText(event, paint)
    case 'paused':
      return `paused       by ${event.by}`
    case 'continued':
      return `continued    by ${event.by}`
    case 'cancel-requested':
      return `cancelling   asked for by ${event.by}`
    case 'finished':
      return finishedText(event, paint)
  }
}

type Outcome = RunEvent & { type: 'outcome' }

const words: Readonly<Record<Outcome['result'], string>> = {
  done: 'done  ',
  satisfied: 'was so',
  failed: 'FAILED',
  compensated: 'undone',
}

function outcomeText(event: Outcome, paint: Paint): string {
  const style = event.result === 'failed' ? 'red' : 'green'
  const word = paint(style, words[event.result])
  const why = event.error === undefined ? '' : `: ${event.error.code}: ${plainText(event.error.message)}`
  return `${word}       ${event.step} in ${milliseconds(event.elapsedMs)}${attemptText(event.attempt)}${why}`
}

function attemptText(attempt: number): string {
  return attempt <= 1 ? '' : ` (attempt ${attempt})`
}

function finishedText(event: RunEvent & { type: 'finished' }, paint: Paint): string {
  const good = event.status === 'completed'
  const missing = event.missing.map(
    ({ step, reason }) => `\n${' '.repeat(23)}missing ${step}: ${plainText(reason)}`,
  )
  return `${paint(good ? 'green' : 'yellow', event.status)}${missing.join('')}`
}
