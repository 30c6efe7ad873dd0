import { checkCaptures } from './check-captures.ts'
import { checkDatasets } from './check-datasets.ts'
import { checkDependencies } from './check-dependencies.ts'
import { checkIdentities } from './check-identities.ts'
import { checkPlaces } from './check-places.ts'
import { checkProtection } from './check-protection.ts'
import { checkRecovery } from './check-recovery.ts'
import { checkReferences } from './check-references.ts'
import { checkReplication } from './check-replication.ts'
import { checkTraffic } from './check-traffic.ts'
import { checkStores } from './check-stores.ts'
import type { EstateProblem } from './estate-problem.ts'
import type { EstateDeclaration } from './estate-schema.ts'

/** What a schema can not see: how the parts of an estate fit together. */
export function checkDeclaration(estate: EstateDeclaration): readonly EstateProblem[] {
  return [
    ...checkIdentities(estate),
    ...checkReferences(estate),
    ...checkPlaces(estate),
    ...checkDependencies(estate),
    ...checkDatasets(estate),
    ...checkReplication(estate),
    ...checkStores(estate),
    ...checkProtection(estate),
    ...checkCaptures(estate),
    ...checkTraffic(estate),
    ...checkRecovery(estate),
  ]
}
