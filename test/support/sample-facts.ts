import type { ClusterFacts, Facts, MemberFacts } from '../../src/domain/facts.ts'

export const identity = '7300000000000000001'

/** Facts of the simulated estate when all is well: p1 leads in az1, p2 and p3 acknowledge. */
export function sampleFacts(changed: Partial<ClusterFacts> = {}): Facts {
  return {
    format: 'pointzero/facts/1',
    estate: 'est_simulated',
    clusters: [
      {
        component: 'cmp_ledger',
        systemIdentifier: identity,
        leader: 'mbr_ledger1',
        publishedSync: ['p2', 'p3'],
        publishedCount: 1,
        members: [memberFact(1), memberFact(2), memberFact(3)],
        ...changed,
      },
    ],
    gates: [
      { component: 'cmp_dbgate', host: 'client', reachable: true },
      { component: 'cmp_appgate', host: 'client', reachable: true },
    ],
    instances: [1, 2, 3].map((number) => ({
      component: 'cmp_engine0',
      host: `az${number}`,
      zone: `az${number}`,
      reachable: true,
      running: number === 1,
    })),
  }
}

export function memberFact(number: number, changed: Partial<MemberFacts> = {}): MemberFacts {
  return {
    member: `mbr_ledger${number}`,
    name: `p${number}`,
    host: `az${number}`,
    zone: `az${number}`,
    reachable: true,
    role: number === 1 ? 'primary' : 'standby',
    timeline: 1,
    systemIdentifier: identity,
    versionNumber: 150_018,
    receiving: number !== 1,
    bypasses: [],
    ...changed,
  }
}

/** What is seen of a member whose host does not answer. */
export const unseen: Partial<MemberFacts> = {
  reachable: false,
  role: 'unknown',
  timeline: 0,
  systemIdentifier: '',
  versionNumber: 0,
  receiving: false,
}

/** Facts before anybody was taken into care. */
export const unadopted: Partial<ClusterFacts> = {
  systemIdentifier: '',
  leader: '',
  publishedSync: [],
  publishedCount: 0,
}
