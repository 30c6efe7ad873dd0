import type { Log } from '../ports/log.ts'

type Fields = Readonly<Record<string, string | number | boolean>>

/** One JSON object a line. Field values are passed as they are: whoever logs keeps secrets out. */
export class JsonLog implements Log {
  readonly #write: (line: string) => void
  readonly #context: Fields

  constructor(
    context: Fields = {},
    write: (line: string) => void = (line) => void process.stderr.write(line),
  ) {
    this.#context = context
    this.#write = write
  }

  info(event: string, fields: Fields = {}): void {
    this.#line('info', event, fields)
  }

  warn(event: string, fields: Fields = {}): void {
    this.#line('warn', event, fields)
  }

  #line(level: 'info' | 'warn', event: string, fields: Fields): void {
    const at = new Date().toISOString()
    this.#write(`${JSON.stringify({ ...this.#context, ...fields, at, level, event })}\n`)
  }
}
