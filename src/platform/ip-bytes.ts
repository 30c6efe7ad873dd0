import { isIPv4, isIPv6 } from 'node:net'
import { assert } from '../domain/recovery-error.ts'

/** Network byte order: 4 bytes of an IPv4 literal, 16 of an IPv6 one. */
export function ipBytes(address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(address.split('.').map(Number))
  assert(isIPv6(address) && !address.includes('%'), 'an IP literal without a zone')
  const [left = '', right] = withHexTail(address).split('::')
  const groups = (text: string): readonly string[] => (text === '' ? [] : text.split(':'))
  const head = groups(left)
  const tail = groups(right ?? '')
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  const all = [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16))
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]))
}

/** `::ffff:192.0.2.1` → `::ffff:c000:201` */
function withHexTail(address: string): string {
  const dotted = /\d+\.\d+\.\d+\.\d+$/.exec(address)?.[0]
  if (dotted === undefined) return address
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number)
  return address.slice(0, -dotted.length) + `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
}
