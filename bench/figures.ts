import { loadavg } from 'node:os'

/** The value below which that part of the samples lies (nearest rank), so that it is always one that was measured. */
export function percentile(samples: readonly number[], part: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN
}

/** Of the last 1, 5 and 15 minutes. A figure without it says little. */
export function load(): string {
  return loadavg()
    .map((value) => value.toFixed(2))
    .join(' ')
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
