import type { Scale } from '../evidence/verdict.ts'
import { askMember } from './ask-member.ts'
import type { Judgement } from './checker/judgement.ts'
import { zoneHostNames } from './lab-host.ts'
import type { LabHostName } from './lab-host.ts'
import type { Lab } from './lab.ts'

/** Of the surviving database, from the server itself. */
export async function databaseBytes(lab: Lab, host: LabHostName): Promise<string> {
  const [size] = await askMember(lab, host, 'select pg_database_size(current_database())::text as bytes')
  return String(size?.['bytes'])
}

/** At which size and load the figures were measured, the time without a primary included. */
export function scaleOf(
  { figures }: Judgement,
  { bytes, loadMs }: { readonly bytes: string; readonly loadMs: number },
): Scale {
  return {
    databaseBytes: bytes,
    writesPerSecond: Math.round(figures.acknowledgedWrites / Math.max(1, loadMs / 1_000)),
    members: zoneHostNames.length,
  }
}
