import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { archiveCoverage } from './archive-coverage.ts'
import { nextLine } from './archive-ledger.ts'
import { archiveSoundness } from './archive-soundness.ts'
import type { ArchiveDefect } from './verify-archive.ts'
import { lsnOf, segmentName } from './wal-position.ts'

const segmentBytes = 16 << 20

function soundness(options: {
  readonly listed: readonly number[]
  readonly missing?: readonly number[]
  readonly unlisted?: readonly number[]
  readonly backups?: readonly number[]
}) {
  const name = (number: number): string => segmentName(1, number * segmentBytes, segmentBytes)
  const entries = options.listed.map((number) => {
    const [firstLsn, endLsn] = [lsnOf(number * segmentBytes), lsnOf((number + 1) * segmentBytes)]
    const content = { kind: 'segment', segment: name(number), timeline: 1, firstLsn, endLsn } as const
    const stamp = { atMs: 1, systemIdentifier: '1' }
    return nextLine(undefined, { ...content, bytes: segmentBytes, sha256: '' }, stamp).entry
  })
  const defect = (problem: ArchiveDefect['problem']) => (number: number) => ({
    file: name(number),
    problem,
    detail: '',
  })
  const missing = (options.missing ?? []).map(defect('missing'))
  return archiveSoundness({
    coverage: archiveCoverage({
      segmentBytes,
      entries,
      histories: new Map(),
      damaged: new Set(missing.map(({ file }) => file)),
    }),
    defects: [...missing, ...(options.unlisted ?? []).map(defect('unlisted'))],
    ledgerDefects: [],
    backups: (options.backups ?? []).map((number) => ({
      id: `backup ${number}`,
      timeline: 1,
      startLsn: lsnOf(number * segmentBytes + 40),
      endLsn: lsnOf(number * segmentBytes + 4000),
    })),
  })
}

describe('archiveSoundness', () => {
  it('finds nothing wrong with an archive without a hole', () => {
    const found = soundness({ listed: [1, 2, 3, 4], backups: [2] })
    assert.deepEqual(found, { broken: [], brokenBefore: [] })
  })

  it('names a segment that was deleted behind the newest base backup', () => {
    const found = soundness({ listed: [1, 2, 3, 4], missing: [3], backups: [1] })
    assert.deepEqual(found.broken, ['000000010000000000000003 is missing'])
  })

  it('says that a hole between two base backups keeps only the older states from being reached', () => {
    const found = soundness({ listed: [1, 2, 3, 4, 5], missing: [3], backups: [1, 4] })
    assert.deepEqual(found, { broken: [], brokenBefore: ['000000010000000000000003 is missing'] })
  })

  it('leaves out what is older than every base backup', () => {
    const found = soundness({ listed: [1, 2, 3, 4, 5], missing: [2], backups: [4] })
    assert.deepEqual(found, { broken: [], brokenBefore: [] })
  })

  it('notices that the WAL which the newest base backup begins with is gone', () => {
    const found = soundness({ listed: [1, 2, 3], missing: [1], backups: [1] })
    assert.equal(found.broken.length, 1)
  })

  it('takes no segment for missing that the ledger has not entered yet', () => {
    const found = soundness({ listed: [1, 2, 4], unlisted: [3], backups: [1] })
    assert.deepEqual(found.broken, [])
  })

  it('counts every hole while there is no base backup', () => {
    assert.equal(soundness({ listed: [1, 2, 4] }).broken.length, 1)
  })
})
