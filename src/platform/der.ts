import { assert } from '../domain/recovery-error.ts'

/** The few types of ITU-T X.690 (DER) that a certificate is made of. */
export type Der = Uint8Array

export function tlv(tag: number, ...parts: readonly Uint8Array[]): Der {
  const content = Buffer.concat(parts)
  return Buffer.concat([Uint8Array.of(tag, ...lengthBytes(content.length)), content])
}

export const sequence = (...parts: readonly Der[]): Der => tlv(0x30, ...parts)
export const set = (...parts: readonly Der[]): Der => tlv(0x31, ...parts)
export const octetString = (content: Uint8Array): Der => tlv(0x04, content)
export const utf8String = (text: string): Der => tlv(0x0c, Buffer.from(text, 'utf8'))
export const boolean = (value: boolean): Der => tlv(0x01, Uint8Array.of(value ? 0xff : 0))
export const bitString = (content: Uint8Array, unusedBits = 0): Der =>
  tlv(0x03, Uint8Array.of(unusedBits), content)
/** Explicitly tagged. */
export const context = (number: number, ...parts: readonly Der[]): Der => tlv(0xa0 | number, ...parts)
/** Implicitly tagged primitive. */
export const contextBytes = (number: number, content: Uint8Array): Der => tlv(0x80 | number, content)

/** From big-endian bytes of a number that is not negative. */
export function integer(...bytes: readonly number[]): Der {
  const first = bytes.findIndex((byte) => byte !== 0)
  const shortest = first === -1 ? [0] : bytes.slice(first)
  return tlv(0x02, Uint8Array.from((shortest[0] as number) >= 0x80 ? [0, ...shortest] : shortest))
}

export function objectIdentifier(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return tlv(0x06, Uint8Array.from([first * 40 + second, ...rest.flatMap(base128)]))
}

/** RFC 5280 4.1.2.5: two-digit years up to 2049, four digits after. Whole seconds. */
export function time(atMs: number): Der {
  const text = new Date(atMs).toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  assert(/^\d{14}Z$/.test(text), 'a year of four digits')
  return text < '2050' ? tlv(0x17, Buffer.from(text.slice(2))) : tlv(0x18, Buffer.from(text))
}

function lengthBytes(length: number): readonly number[] {
  if (length < 0x80) return [length]
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return [0x80 | bytes.length, ...bytes]
}

function base128(value: number): readonly number[] {
  const bytes = [value % 128]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128))
    bytes.unshift((rest % 128) | 0x80)
  return bytes
}
