import type { CopiesFacts, Facts } from '../../src/domain/facts.ts'
import type { Estate, PostgresPolicy } from '../../src/estate/estate.ts'
import type { Capture } from '../../src/estate/protection.ts'
import { simulatedEstate } from '../../src/simulation/simulated-estate.ts'
import { identity } from './sample-facts.ts'

const capture: Capture = {
  name: 'wal',
  of: 'wal',
  stores: ['vault'],
  maxLagMs: 10_000,
  synchronous: false,
  keepMs: 86_400_000,
}

/** The simulated estate, with the WAL of its database captured on `client`. */
export function capturingEstate(
  changed: Partial<Capture> = {},
  { members = 3, policy = {} }: { readonly members?: number; readonly policy?: Partial<PostgresPolicy> } = {},
): Estate {
  const estate = simulatedEstate(policy)
  const components = estate.components.map((one) =>
    one.kind === 'postgres'
      ? {
          ...one,
          members: one.members.slice(0, members),
          protection: { backups: [], captures: [{ ...capture, ...changed }] },
        }
      : one,
  )
  return { ...estate, components }
}

/** What `client` keeps when all is well: it receives from p1 as `wal`. */
export function capturingFacts(facts: Facts, changed: Partial<CopiesFacts['capture']> = {}): Facts {
  const kept: CopiesFacts = {
    component: 'cmp_ledger',
    host: 'client',
    keeps: ['archive'],
    reachable: true,
    systemIdentifier: identity,
    capture: { applicationName: 'wal', from: 'mbr_ledger1', isWhole: true, connections: 1, ...changed },
  }
  return { ...facts, copies: [kept] }
}
