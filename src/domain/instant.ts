/**
 * Microseconds since 1970 of an ISO 8601 instant, a space allowed for the T. The zone has to be written: a time without one means something
 * else on every machine. Throws what the runtime says of a text that is none.
 */
export function instantMicroseconds(text: string): number {
  return Number(Temporal.Instant.from(text.trim().replace(' ', 'T')).epochNanoseconds / 1000n)
}

/** An instant as people read it: UTC, to the second; `atMs` is since 1970 and may have a fraction (RFC 3339). */
export function instantText(atMs: number): string {
  return Temporal.Instant.fromEpochMilliseconds(Math.round(atMs)).toString({ smallestUnit: 'second' })
}
