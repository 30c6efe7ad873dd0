/** CRC-32C (Castagnoli, reflected 0x82f63b78), eight bytes a step: what PostgreSQL protects WAL records with. */
const tables = buildTables()

function buildTables(): readonly Uint32Array[] {
  const first = new Uint32Array(256)
  for (let value = 0; value < 256; value++) {
    let crc = value
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
    first[value] = crc >>> 0
  }
  const all = [first]
  for (let step = 1; step < 8; step++) {
    const before = all[step - 1] as Uint32Array
    all.push(before.map((crc) => (crc >>> 8) ^ (first[crc & 0xff] as number)))
  }
  return all
}

const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
]

export const crc32cSeed = 0xffff_ffff

/** Takes more bytes into a running sum; start with `crc32cSeed`, end with `finishCrc32c`. */
export function updateCrc32c(running: number, bytes: Uint8Array, from = 0, to = bytes.length): number {
  let crc = running
  let at = from
  // The indices are inside the tables and the array, so the casts say what holds.
  for (; at + 8 <= to; at += 8) {
    const low =
      crc ^
      ((bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24))
    crc =
      (t7[low & 0xff] as number) ^
      (t6[(low >>> 8) & 0xff] as number) ^
      (t5[(low >>> 16) & 0xff] as number) ^
      (t4[low >>> 24] as number) ^
      (t3[bytes[at + 4] as number] as number) ^
      (t2[bytes[at + 5] as number] as number) ^
      (t1[bytes[at + 6] as number] as number) ^
      (t0[bytes[at + 7] as number] as number)
  }
  for (; at < to; at++) crc = (crc >>> 8) ^ (t0[(crc ^ (bytes[at] as number)) & 0xff] as number)
  return crc >>> 0
}

export function finishCrc32c(running: number): number {
  return (running ^ 0xffff_ffff) >>> 0
}

export function crc32c(bytes: Uint8Array): number {
  return finishCrc32c(updateCrc32c(crc32cSeed, bytes))
}
