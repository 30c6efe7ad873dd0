import type { Terminal } from '../terminal.ts'

const everyMs = 2_000

/** A line for people every two seconds at most. The first one comes after two. */
export function progressNotes(
  terminal: Pick<Terminal, 'note' | 'nowMs'>,
  what: string,
): (doneBytes: number, totalBytes: number) => void {
  let lastMs = terminal.nowMs()
  return (doneBytes, totalBytes) => {
    const nowMs = terminal.nowMs()
    if (nowMs - lastMs < everyMs && nowMs >= lastMs) return
    lastMs = nowMs
    const percent = totalBytes === 0 ? 100 : Math.floor((doneBytes / totalBytes) * 100)
    terminal.note(`${what}: ${bytesText(doneBytes)} of ${bytesText(totalBytes)} (${percent} %)\n`)
  }
}

export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10))
  const amount = bytes / 1024 ** power
  return `${power === 0 ? amount : amount.toFixed(1)} ${units[power]}`
}
