import { RecoveryError } from '../domain/recovery-error.ts'

export const tarBlockBytes = 512

/** One 512-byte ustar header, checked for its sum but not yet for where its names lead. */
export interface TarHeader {
  readonly path: string
  readonly linkTarget: string
  readonly type: string
  readonly sizeBytes: number
  readonly mode: number
  readonly modifiedSeconds: number
}

export function archiveRefused(message: string): RecoveryError {
  return new RecoveryError({
    code: 'TAR_REFUSED',
    class: 'permanent',
    message: `archive refused: ${message}`,
    hint: 'remove the target directory and take the copy again; if it happens twice, `pg_amcheck` and the source host are suspect',
  })
}

export function isZeroBlock(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0)
}

export function parseTarHeader(block: Uint8Array): TarHeader {
  checkSum(block)
  const name = textField(block, 0, 100)
  // GNU tar puts times where ustar has its prefix.
  const isUstar = textField(block, 257, 6) === 'ustar'
  const prefix = isUstar ? textField(block, 345, 155) : ''
  return {
    path: prefix === '' ? name : `${prefix}/${name}`,
    linkTarget: textField(block, 157, 100),
    type: String.fromCharCode(block[156] as number),
    sizeBytes: numberField(block, 124, 12, 'size'),
    mode: numberField(block, 100, 8, 'mode'),
    modifiedSeconds: numberField(block, 136, 12, 'time'),
  }
}

/** PAX records: `length key=value\n`. */
export function parsePaxRecords(bytes: Uint8Array): ReadonlyMap<string, string> {
  const records = new Map<string, string>()
  for (let offset = 0; offset < bytes.length;) {
    const space = bytes.indexOf(0x20, offset)
    const digits = decodeText(bytes.subarray(offset, space))
    const length = /^\d{1,6}$/.test(digits) ? Number(digits) : 0
    const end = offset + length
    if (space < 0 || end <= space + 1 || end > bytes.length || bytes[end - 1] !== 0x0a) {
      throw archiveRefused('malformed extended header')
    }
    const record = decodeText(bytes.subarray(space + 1, end - 1))
    const equals = record.indexOf('=')
    if (equals < 1) throw archiveRefused('malformed extended header')
    records.set(record.slice(0, equals), record.slice(equals + 1))
    offset = end
  }
  return records
}

/** A name that is not UTF-8 would come back as another one, so it is refused. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw archiveRefused(`a name is not UTF-8 (${error instanceof Error ? error.name : 'error'})`)
  }
}

function checkSum(block: Uint8Array): void {
  let sum = 0
  for (let index = 0; index < tarBlockBytes; index++) {
    sum += index >= 148 && index < 156 ? 0x20 : (block[index] as number)
  }
  if (sum !== numberField(block, 148, 8, 'checksum'))
    throw archiveRefused('a header does not match its checksum')
}

function textField(block: Uint8Array, start: number, length: number): string {
  const field = block.subarray(start, start + length)
  const end = field.indexOf(0)
  return decodeText(end < 0 ? field : field.subarray(0, end))
}

/** Octal, or GNU base-256 where octal is too small (files from 8 GiB on). */
function numberField(block: Uint8Array, start: number, length: number, what: string): number {
  const field = block.subarray(start, start + length)
  if (((field[0] as number) & 0x80) !== 0) {
    let number = BigInt((field[0] as number) & 0x7f)
    for (const byte of field.subarray(1)) number = number * 256n + BigInt(byte)
    if (number > BigInt(Number.MAX_SAFE_INTEGER)) throw archiveRefused(`${what} out of range`)
    return Number(number)
  }
  const trimmed = String.fromCharCode(...field)
    .replace(/[\0 ]+$/, '')
    .trimStart()
  if (!/^[0-7]*$/.test(trimmed)) throw archiveRefused(`${what} is not a number`)
  return trimmed === '' ? 0 : Number.parseInt(trimmed, 8)
}
