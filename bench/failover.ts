// How long nobody's write is confirmed when the primary is lost or moved: ours and Patroni, the same faults, the same writer.
// node bench/failover.ts [--rounds 20] [--peer-rounds N] [--peer patroni|none] [--faults zone-kill,partition] [--minutes 14] [--profile] [--json FILE]
import { appendFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Contender, ContenderUp } from './failover/contender.ts'
import { missingPeer, patroniUp, peerVersion } from './failover/patroni-cluster.ts'
import { pointzeroUp } from './failover/pointzero-lab.ts'
import { benchFaults, playRound, zoneFaults } from './failover/round.ts'
import type { BenchFault, RoundFigures } from './failover/round.ts'
import { load, percentile, print } from './figures.ts'

const { values: given } = parseArgs({
  options: {
    /** Of a zone that is lost; half as many of the others. */
    rounds: { type: 'string', default: '20' },
    'peer-rounds': { type: 'string' },
    /** After this long no further round begins, and what was left out is told. */
    minutes: { type: 'string', default: '600' },
    peer: { type: 'string', default: 'patroni' },
    faults: { type: 'string', default: benchFaults.join(',') },
    /** Where the milliseconds of our own failover go, step by step. */
    profile: { type: 'boolean', default: false },
    /** One line of JSON a round. */
    json: { type: 'string' },
  },
})

interface Result {
  readonly contender: string
  readonly rounds: readonly RoundFigures[]
  readonly failed: number
}

/** A peer needs longer for a round, but fewer rounds to be told apart. */
const ourShare = 0.7

const open = new Set<Contender>()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void Promise.allSettled([...open].map(async (contender) => contender.down())).then(() => process.exit(1))
  })
}
await main()
process.exit()

async function main(): Promise<void> {
  const faults = benchFaults.filter((fault) => given.faults.split(',').includes(fault))
  const rounds = Number(given.rounds)
  const peer = given.peer === 'none' ? undefined : await missingPeer()
  if (peer !== undefined) print(`no peer to compare with: ${peer}, or --peer none`)
  print(`${rounds} rounds a lost zone, ${process.version}, load ${load()}`)
  const beganMs = performance.now()
  const limitMs = Number(given.minutes) * 60_000
  const ours = await playAll('pointzero', pointzeroUp, order(faults, rounds), beganMs + ourShare * limitMs)
  const withPeer = given.peer !== 'none' && peer === undefined
  const theirs = withPeer
    ? await playAll(
        await peerVersion(),
        patroniUp,
        order(faults, Number(given['peer-rounds'] ?? rounds)),
        beganMs + limitMs,
      )
    : undefined
  print('')
  for (const fault of faults) report(fault, ours, theirs)
  if (given.profile) for (const fault of faults) profile(fault, ours)
  print(`load ${load()}`)
}

interface Turn {
  readonly fault: BenchFault
  readonly round: number
}

/** One round of each fault after the other, so that a run that is cut short has measured all of them. */
function order(faults: readonly BenchFault[], rounds: number): readonly Turn[] {
  const half = Math.ceil(rounds / 2)
  return Array.from({ length: rounds }, (_, index) => index + 1).flatMap((round) =>
    faults.filter((fault) => round <= half || zoneFaults.includes(fault)).map((fault) => ({ fault, round })),
  )
}

/** One contender at a time: an idle cluster of the other would still take its share of the machine. */
async function playAll(
  name: string,
  up: ContenderUp,
  turns: readonly Turn[],
  deadlineMs: number,
): Promise<Result> {
  const played: RoundFigures[] = []
  let failed = 0
  let contender: Contender | undefined
  const end = async (): Promise<void> => {
    if (contender !== undefined) open.delete(contender)
    await contender?.down()
    contender = undefined
  }
  try {
    for (const [index, { fault, round }] of turns.entries()) {
      if (performance.now() > deadlineMs) {
        print(`${name}: the time is over, ${turns.length - index} of ${turns.length} rounds were left out`)
        break
      }
      try {
        if (contender === undefined) {
          contender = await up(print)
          open.add(contender)
        }
        const figures = await playRound(contender, fault, `${fault.replaceAll('-', '')}${round}`)
        played.push(figures)
        tell(name, round, figures)
      } catch (error) {
        failed += 1
        print(`${name} ${fault} ${round}: not measured: ${String(error).slice(0, 2_000)}`)
        await end()
      }
    }
    return { contender: name, rounds: played, failed }
  } finally {
    await end()
  }
}

function tell(name: string, round: number, figures: RoundFigures): void {
  const { fault, gapMs, acknowledged, lost, dualConfirms, dualRoleMs } = figures
  const facts = `${acknowledged} acknowledged, ${lost} lost, ${dualConfirms} dual, two primaries ${Math.round(dualRoleMs)} ms`
  print(`${name} ${fault} ${round}: gap ${Math.round(gapMs)} ms, ${facts}, load ${load()}`)
  if (given.json === undefined) return
  appendFileSync(given.json, `${JSON.stringify({ contender: name, round, load: load(), ...figures })}\n`)
}

function report(fault: BenchFault, ours: Result, theirs: Result | undefined): void {
  const our = line(fault, ours)
  const their = theirs === undefined ? undefined : line(fault, theirs)
  if (our !== undefined && their !== undefined)
    print(`${fault}: p50 ${(their / our).toFixed(1)} times shorter than ${theirs?.contender}`)
}

/** Its p50. */
function line(fault: BenchFault, { contender, rounds, failed }: Result): number | undefined {
  const of = rounds.filter((round) => round.fault === fault)
  if (of.length === 0) return undefined
  const gaps = of.map(({ gapMs }) => gapMs)
  const sum = (field: 'lost' | 'dualConfirms' | 'acknowledged'): number =>
    of.reduce((total, round) => total + round[field], 0)
  const [p50, p95, max] = [percentile(gaps, 0.5), percentile(gaps, 0.95), Math.max(...gaps)]
  const seconds = [p50, p95, max].map((ms) => (ms / 1_000).toFixed(2)).join(' / ')
  print(
    `${fault}, ${contender}, n=${of.length}: gap p50 / p95 / max ${seconds} s; ${sum('lost')} of ${sum('acknowledged')} ` +
      `acknowledged writes lost, ${sum('dualConfirms')} times two confirming primaries${failed > 0 ? `; ${failed} rounds not measured` : ''}`,
  )
  return p50
}

/** Median moment of every step after the fault, in the order in which they happen. */
function profile(fault: BenchFault, { rounds }: Result): void {
  const moments = rounds
    .filter((round) => round.fault === fault)
    .flatMap(({ timeline, recoveredMs }) => [
      ...timeline,
      { what: 'first confirmed write', atMs: recoveredMs },
    ])
    // Which member it is changes from round to round.
    .map(({ what, atMs }) => ({ what: what.replaceAll(/az\d/g, 'azN'), atMs }))
  if (moments.length === 0) return
  const byWhat = [...Map.groupBy(moments, ({ what }) => what)]
  const medians = byWhat.map(([what, of]) => {
    const at = of.map(({ atMs }) => atMs)
    return { what, p50: percentile(at, 0.5), p95: percentile(at, 0.95), count: of.length }
  })
  print(`\n${fault}: after the fault, p50 and p95`)
  for (const { what, p50, p95, count } of medians.toSorted((a, b) => a.p50 - b.p50))
    print(`  ${p50.toFixed(0).padStart(6)} ms ${p95.toFixed(0).padStart(6)} ms  ${what} (${count})`)
}
