import type { z } from 'zod'
import { ms } from './declared-value.ts'
import { problem } from './estate-problem.ts'
import type { EstatePath, EstateProblem } from './estate-problem.ts'
import type { EstateDeclaration } from './estate-schema.ts'
import { buildInterval } from './build-protection.ts'
import { dependencyCycles } from './dependency-cycles.ts'
import type { protectionSchema } from './protection-schema.ts'

type ProtectionDeclaration = z.output<typeof protectionSchema>
type BackupDeclaration = ProtectionDeclaration['backups'][string]

/** Backups refer to each other and to time in ways that can be kept. */
export function checkProtection(estate: EstateDeclaration): readonly EstateProblem[] {
  return Object.entries(estate.components).flatMap(([name, { protection }]) => {
    if (protection === undefined) return []
    const path = ['components', name, 'protection']
    return [...checkBackups(path, protection), ...checkEmpty(path, protection)]
  })
}

function checkEmpty(
  path: EstatePath,
  { captures, backups }: ProtectionDeclaration,
): readonly EstateProblem[] {
  if (Object.keys(captures).length + Object.keys(backups).length > 0) return []
  return [
    problem(
      path,
      'protects nothing: it has neither captures nor backups; add one or leave protection out',
      'key',
    ),
  ]
}

function checkBackups(path: EstatePath, { backups }: ProtectionDeclaration): readonly EstateProblem[] {
  const problems = Object.entries(backups).flatMap(([name, backup]) => {
    const at = [...path, 'backups', name]
    return [...checkCopy(at, name, backup, backups), ...checkRetention(at, backup)]
  })
  const hasFull = Object.values(backups).some(({ type }) => type === 'full')
  for (const [name, { type }] of Object.entries(backups)) {
    if (type !== 'incremental' || hasFull) continue
    problems.push(
      problem(
        [...path, 'backups', name, 'type'],
        'an incremental backup needs a full one; add a backup of type full',
      ),
    )
  }
  const copies = new Map(
    Object.entries(backups).map(([name, { copyOf }]) => [name, copyOf === undefined ? [] : [copyOf]]),
  )
  for (const [first = '', ...rest] of dependencyCycles(copies)) {
    const chain = [first, ...rest, first].join(' -> ')
    problems.push(
      problem(
        [...path, 'backups', first, 'copyOf'],
        `copies itself: ${chain}; copy a backup of another type`,
      ),
    )
  }
  return problems
}

function checkCopy(
  at: EstatePath,
  name: string,
  { type, copyOf, stores }: BackupDeclaration,
  backups: ProtectionDeclaration['backups'],
): readonly EstateProblem[] {
  if (type !== 'copy') {
    return copyOf === undefined
      ? []
      : [problem([...at, 'copyOf'], 'only a backup of type copy has it; leave it out', 'key')]
  }
  if (copyOf === undefined) return [problem([...at, 'copyOf'], 'missing; name the backup that is copied')]
  const source = backups[copyOf]
  if (source === undefined)
    return [problem([...at, 'copyOf'], `there is no backup ${copyOf} here; name one of this component`)]
  if (copyOf !== name && stores.some((store) => source.stores.includes(store))) {
    return [
      problem([...at, 'stores'], `a copy in the store of ${copyOf} is lost with it; name another store`),
    ]
  }
  return []
}

/** What expires before the next one exists leaves nothing. */
function checkRetention(at: EstatePath, { every, keep }: BackupDeclaration): readonly EstateProblem[] {
  if (ms(keep) >= buildInterval(every).everyMs) return []
  return [
    problem([...at, 'keep'], `expires before the next one is due (every ${every}); keep it longer than that`),
  ]
}
