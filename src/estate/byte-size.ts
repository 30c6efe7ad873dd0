const multiples: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  PB: 1e15,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  PiB: 2 ** 50,
}

const form = /^(\d{1,9})(?:\.(\d{1,3}))? ?(B|kB|MB|GB|TB|PB|KiB|MiB|GiB|TiB|PiB)$/

/** Bytes of `500 GiB`, `1.5 TB`. Undefined when it is none, or beyond what a number holds exactly. */
export function parseByteSize(text: string): number | undefined {
  const match = form.exec(text)
  if (match === null) return undefined
  const [, whole = '', fraction = '', unit = ''] = match
  const bytes = Math.round(Number(`${whole}.${fraction === '' ? '0' : fraction}`) * (multiples[unit] ?? 0))
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** Bytes a second of `200 MiB/s`. */
export function parseByteRate(text: string): number | undefined {
  return text.endsWith('/s') ? parseByteSize(text.slice(0, -2)) : undefined
}

/** For people: the largest binary unit that keeps at least one whole. */
export function formatByteSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let value = bytes
  let at = 0
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024
    at += 1
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[at]}`
}
