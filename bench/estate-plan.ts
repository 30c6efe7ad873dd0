// How long it takes to read, check and plan a zone failover in an estate of 10,000 components. Goal: within 1 s together.
import type { Facts } from '../src/domain/facts.ts'
import type { LeaderRecord } from '../src/domain/leader-record.ts'
import { digest } from '../src/engine/digest.ts'
import { planHash, validatePlan } from '../src/engine/plan-hash.ts'
import { clusters } from '../src/estate/estate-lookup.ts'
import type { Estate } from '../src/estate/estate.ts'
import { parseEstate } from '../src/estate/parse-estate.ts'
import { zoneFailover } from '../src/procedures/zone-failover.ts'
import { factsFromViews } from '../src/watch/facts-from-views.ts'
import { ViewBoard } from '../src/watch/view-board.ts'
import { generatedEstate } from './generated-estate.ts'

const text = generatedEstate(Number(process.argv[2] ?? 10_000))
const estate = parseEstate(text, 'estate.yaml')
const facts = factsOf(estate)
// The last one declared: nothing is found early.
const cluster = clusters(estate).at(-1)?.name ?? ''

measure('read, checked and planned', () => plan(parseEstate(text, 'estate.yaml')))
measure('planned', () => plan(estate))
measure('the digest of the estate alone', () => digest(estate))

function plan(of: Estate): string {
  const made = zoneFailover.plan({ estate: of, facts, parameters: { cluster }, mode: 'real' })
  validatePlan(made)
  return planHash(made)
}

/** Every cluster is led by its first member, which is gone; everybody else answers. */
function factsOf(of: Estate): Facts {
  const leaders = new Map(
    clusters(of).map(({ id, members: [first, ...others] }): [string, LeaderRecord] => {
      if (first === undefined) throw new Error('a generated cluster has members')
      const publishedSync = others.map(({ name }) => name)
      const rule = { publishedSync, publishedCount: 1, switchesMs: [] }
      return [id, { member: first.id, epoch: 1, systemIdentifier: '7', ...rule }]
    }),
  )
  const seen = factsFromViews({ estate: of, board: new ViewBoard(), nowMs: 0, freshMs: 1_000, leaders })
  const answering = seen.clusters.map((one) => ({
    ...one,
    members: one.members.map((member) => ({ ...member, reachable: member.member !== one.leader })),
  }))
  return { ...seen, clusters: answering }
}

/** The first round, then the median of the rest; CPU time too, which a busy machine changes less. */
function measure(label: string, work: () => unknown): void {
  const rounds = Array.from({ length: 6 }, () => {
    const [startedMs, cpu] = [performance.now(), process.cpuUsage()]
    work()
    const { user, system } = process.cpuUsage(cpu)
    return { wallMs: performance.now() - startedMs, cpuMs: (user + system) / 1000 }
  })
  const [first, ...rest] = rounds
  const median = rest.toSorted((left, right) => left.cpuMs - right.cpuMs)[2]
  const shown = (round: typeof first): string =>
    `${round?.wallMs.toFixed(0)} ms wall, ${round?.cpuMs.toFixed(0)} ms CPU`
  process.stdout.write(`${label}: first ${shown(first)}; median ${shown(median)}\n`)
}
