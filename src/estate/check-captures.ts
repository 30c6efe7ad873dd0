import { problem } from './estate-problem.ts'
import type { EstateProblem } from './estate-problem.ts'
import type { EstateDeclaration } from './estate-schema.ts'

/** A capture that commits may wait for stands among members by its name, and its archive is the one that restores read. */
export function checkCaptures(estate: EstateDeclaration): readonly EstateProblem[] {
  return Object.entries(estate.components).flatMap(([component, declared]) => {
    if (declared.kind !== 'postgres') return []
    const captures = Object.entries(declared.protection?.captures ?? {}).filter(([, { of }]) => of === 'wal')
    return captures.flatMap(([name, { synchronous, stores }]) => {
      if (!synchronous) return []
      const path = ['components', component, 'protection', 'captures', name]
      return [
        ...(name in declared.members
          ? [problem(path, `member ${name} acknowledges under that name; choose another`, 'key')]
          : []),
        ...(captures.length > 1 || stores.length > 1
          ? [
              problem(
                [...path, 'synchronous'],
                'commits wait for one archive, the one that restores read; declare one capture of wal, into one store',
              ),
            ]
          : []),
      ]
    })
  })
}
