import type { ByteStream } from '../../src/ports/byte-stream.ts'
import { encodeMessage, int32, joinBytes } from '../../src/protocol/postgres-message.ts'
import { tarBlockBytes } from '../../src/protocol/tar-header.ts'

const encoder = new TextEncoder()

export const text = (value: string) => encoder.encode(value)

function int16(value: number): Uint8Array {
  return Uint8Array.of((value >> 8) & 0xff, value & 0xff)
}

/** A server that says its lines whatever is asked, each chunk as one read, and then ends the connection. */
export class ScriptedServer implements ByteStream {
  readonly written: Uint8Array[] = []
  closed = false
  readonly #chunks: Uint8Array[]
  #given: Uint8Array | undefined

  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = [...chunks]
  }

  async read(): Promise<Uint8Array | undefined> {
    // A stream may write over what it gave before.
    this.#given?.fill(0xee)
    this.#given = this.closed ? undefined : this.#chunks.shift()?.slice()
    return this.#given
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.written.push(bytes)
  }

  close(): void {
    this.closed = true
  }

  get writtenText(): string {
    return new TextDecoder('latin1').decode(joinBytes(this.written))
  }
}

export const authenticationOk = () => encodeMessage('R', int32(0))
export const readyForQuery = () => encodeMessage('Z', text('I'))
export const complete = (tag: string) => encodeMessage('C', text(`${tag}\0`))
export const parameter = (name: string, value: string) => encodeMessage('S', text(`${name}\0${value}\0`))
export const serverError = (sqlstate: string, severity = 'ERROR') =>
  encodeMessage('E', text(`S${severity}\0V${severity}\0C${sqlstate}\0Mscripted\0\0`))

/** Everything up to the first query. */
export const greeting = (version = '15.3') =>
  joinBytes([
    authenticationOk(),
    parameter('server_version', version),
    encodeMessage('K', int32(4711), int32(1)),
    readyForQuery(),
  ])

export function resultSet(
  columns: readonly string[],
  rows: readonly (readonly (string | null)[])[],
): Uint8Array {
  const fields = columns.flatMap((name) => [text(`${name}\0`), new Uint8Array(18)])
  const values = rows.map((row) => {
    const cells = row.flatMap((cell) => {
      if (cell === null) return [int32(-1)]
      const bytes = text(cell)
      return [int32(bytes.length), bytes]
    })
    return encodeMessage('D', int16(row.length), ...cells)
  })
  return joinBytes([encodeMessage('T', int16(columns.length), ...fields), ...values])
}

export interface TarEntryFields {
  readonly path: string
  readonly type?: string
  readonly content?: Uint8Array
  readonly linkTarget?: string
  readonly prefix?: string
  /** Written instead of the content's length. */
  readonly sizeField?: Uint8Array
}

/** One tar entry, as wrong as the fields ask for, with a correct checksum. */
export function tarEntry(fields: TarEntryFields): Uint8Array {
  const content = fields.content ?? new Uint8Array(0)
  const header = new Uint8Array(tarBlockBytes)
  header.set(text(fields.path), 0)
  header.set(text('0000600\0'), 100)
  header.set(fields.sizeField ?? text(`${content.length.toString(8).padStart(11, '0')}\0`), 124)
  header.set(text('00000000000\0'), 136)
  header.set(text(fields.type ?? '0'), 156)
  header.set(text(fields.linkTarget ?? ''), 157)
  header.set(text('ustar\u000000'), 257)
  header.set(text(fields.prefix ?? ''), 345)
  header.fill(0x20, 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.set(text(`${sum.toString(8).padStart(6, '0')}\0 `), 148)
  const padding = new Uint8Array((tarBlockBytes - (content.length % tarBlockBytes)) % tarBlockBytes)
  return joinBytes([header, content, padding])
}

export const tarEnd = () => new Uint8Array(2 * tarBlockBytes)
