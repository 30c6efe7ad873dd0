import { RecoveryError } from '../../domain/recovery-error.ts'
import { quoteIdentifier, requireMemberName } from './quoting.ts'

/** Which standbys may acknowledge a commit, and how many of them must. No names: nobody is waited for. */
export interface SyncRule {
  readonly names: readonly string[]
  readonly count: number
  /** Another form than `ANY n (explicit names)`: FIRST, the old list, or `*`. Its promotable set can not be computed. */
  readonly foreign?: string
}

export function formatSyncRule(names: readonly string[], count: number): string {
  if (names.length === 0) return ''
  const distinct = new Set(names.map((name) => requireMemberName(name).toLowerCase()))
  if (distinct.size !== names.length || !Number.isInteger(count) || count < 1 || count > names.length) {
    throw new RecoveryError({
      code: 'PG_SYNC_RULE_INVALID',
      class: 'permanent',
      message: `not a synchronous rule: any ${count} of ${JSON.stringify(names)}`,
      hint: 'name each standby once and set policy.synchronousCount between 1 and their number',
    })
  }
  return `ANY ${count} (${names.map(quoteIdentifier).join(', ')})`
}

/** Reads a value of synchronous_standby_names. */
export function parseSyncRule(text: string): SyncRule {
  const trimmed = text.trim()
  if (trimmed === '') return { names: [], count: 0 }
  const match = /^ANY\s+(\d{1,9})\s*\((.*)\)$/isu.exec(trimmed)
  const names = match === null ? undefined : parseNames(match[2] as string)
  if (match === null || names === undefined || names.includes('*')) {
    return { names: [], count: 0, foreign: trimmed }
  }
  return { names, count: Number(match[1]) }
}

function parseNames(text: string): readonly string[] | undefined {
  const names: string[] = []
  const name = /\s*(?:"((?:[^"]|"")+)"|([A-Za-z_*][\w$]*|\*))\s*(,|$)/suy
  for (;;) {
    const match = name.exec(text)
    if (match === null) return undefined
    names.push(match[1]?.replaceAll('""', '"') ?? (match[2] as string))
    if (match[3] === '') return names
  }
}
