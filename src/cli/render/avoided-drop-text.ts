import type { ResolvedPoint } from '../../ports/kept-copies.ts'

export function avoidedDropText(avoided: ResolvedPoint['avoidedDrop']): string {
  if (avoided === undefined) return ''
  return (
    `  NOTE: transaction ${avoided.xid} drops a database, and its files are removed before it is committed: this is before the drop began.\n` +
    `        At ${avoided.instead} that database would be in the catalogue and could not be used\n`
  )
}
