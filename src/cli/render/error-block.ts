import { toErrorRecord } from '../../domain/recovery-error.ts'
import type { Paint } from './paint.ts'
import { plainText } from './plain-text.ts'

/** What is wrong, where, and the command to run next. A stack only for what is our own fault. */
export function errorBlock(error: unknown, paint: Paint): string {
  const { code, class: errorClass, message, hint } = toErrorRecord(error)
  const lines = [
    `${paint('red', 'error')} ${paint('bold', code)} (${errorClass})`,
    ...plainText(message)
      .split('\n')
      .map((line) => `  ${line}`),
    ...plainText(hint)
      .split('\n')
      .map((line, index) => `  ${index === 0 ? 'next: ' : '      '}${line}`),
  ]
  if (errorClass === 'bug' && error instanceof Error && error.stack !== undefined) {
    lines.push(
      ...error.stack
        .split('\n')
        .slice(1)
        .map((line) => paint('dim', line)),
    )
  }
  return `${lines.join('\n')}\n`
}
