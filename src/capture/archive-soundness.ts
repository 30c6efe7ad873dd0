import type { LineageCoverage } from './archive-coverage.ts'
import { usableBackups } from './recovery-points.ts'
import type { BackupPoint } from './recovery-points.ts'
import type { ArchiveDefect } from './verify-archive.ts'
import { positionOf } from './wal-position.ts'

export interface SoundnessInput {
  readonly coverage: readonly LineageCoverage[]
  /** What differs from the ledger, and whole segments that it does not know yet. */
  readonly defects: readonly ArchiveDefect[]
  readonly ledgerDefects: readonly { readonly line: number; readonly what: string }[]
  readonly backups: readonly BackupPoint[]
}

export interface Soundness {
  /** What keeps the newest state from being reached, each named. */
  readonly broken: readonly string[]
  /** What keeps only states before the newest base backup from being reached. */
  readonly brokenBefore: readonly string[]
}

/**
 * What is wrong with an archive, known before anybody needs it. A segment that lies there and is not in the ledger yet is no hole: the
 * ledger follows the receiver. What is older than every base backup is needed by nobody. Pure.
 */
export function archiveSoundness(input: SoundnessInput): Soundness {
  const { coverage, defects, backups } = input
  const newest = coverage.at(-1)
  const ledger = input.ledgerDefects.map(({ line, what }) => `ledger line ${line}: ${what}`)
  if (newest === undefined) return { broken: ledger, brokenBefore: [] }
  const starts = usableBackups(backups, newest)
    .map(({ startLsn }) => positionOf(startLsn))
    .toSorted((left, right) => left - right)
  const last = starts.at(-1) ?? 0
  const oldest = starts[0] ?? 0
  const late = new Set(defects.flatMap(({ file, problem }) => (problem === 'unlisted' ? [file] : [])))
  const holes = newest.gaps.filter(({ firstMissing }) => !late.has(firstMissing))
  const named = (gap: (typeof holes)[number]): string => {
    const defect = defects.find(({ file }) => file === gap.firstMissing)
    return `${gap.firstMissing} is ${defect?.problem ?? 'missing'}`
  }
  const histories = defects.filter(({ file }) => file.endsWith('.history'))
  return {
    broken: [
      ...ledger,
      ...histories.map(({ file, problem }) => `${file} is ${problem}`),
      ...withoutStart(newest, starts.at(-1)),
      ...holes.filter(({ end }) => end > last).map(named),
    ],
    brokenBefore: holes.filter(({ end }) => end <= last && end > oldest).map(named),
  }
}

/** The archive has to hold the WAL that the newest base backup begins with. */
function withoutStart({ ranges }: LineageCoverage, start: number | undefined): readonly string[] {
  if (start === undefined || ranges.some((range) => range.start <= start && start <= range.end)) return []
  return ['the WAL that the newest base backup begins with is missing']
}
