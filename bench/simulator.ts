// Whole lives of an estate (adoption, disaster, switchover, faults, healing) simulated in a second of one core.
// node bench/simulator.ts [SEEDS] [FIRST]
import { simulateSeed } from '../src/simulation/simulate.ts'
import { load, percentile, print } from './figures.ts'

const seeds = Number(process.argv[2] ?? 60)
const first = Number(process.argv[3] ?? 1)
/** Lives that are not counted: code that runs for a thousand of them is compiled by then. */
const warmUp = 40

print(`${seeds} seeds from ${first}, node ${process.version}, load ${load()}`)
for (let seed = 0; seed < warmUp; seed++) await simulateSeed(first + seed)

const cpuMs: number[] = []
let [events, virtualMs, failures] = [0, 0, 0]
const startedMs = performance.now()
for (let seed = first; seed < first + seeds; seed++) {
  const cpu = process.cpuUsage()
  const result = await simulateSeed(seed)
  const { user, system } = process.cpuUsage(cpu)
  cpuMs.push((user + system) / 1_000)
  events += result.events
  virtualMs += result.virtualMs
  if (result.failure !== undefined) failures += 1
}
const wallMs = performance.now() - startedMs
const totalMs = cpuMs.reduce((sum, ms) => sum + ms, 0)
print(
  `${((seeds * 1_000) / totalMs).toFixed(1)} seeds a CPU second (${((seeds * 1_000) / wallMs).toFixed(1)} a second of wall time); ` +
    `a seed p50 ${percentile(cpuMs, 0.5).toFixed(0)} ms, p95 ${percentile(cpuMs, 0.95).toFixed(0)} ms CPU`,
)
print(
  `${Math.round((events * 1_000) / totalMs)} events a CPU second, ${Math.round(virtualMs / totalMs)} times faster than real time; ` +
    `a seed ${Math.round(events / seeds)} events, ${(virtualMs / seeds / 1_000).toFixed(1)} s of virtual time`,
)
if (failures > 0) print(`${failures} seeds failed: see them with \`pointzero simulate\``)
print(`load ${load()}`)
