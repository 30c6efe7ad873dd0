// How long it takes to read and check an estate of 10,000 components. Goal: planning and checking together within 1 s.
import { assess } from '../src/estate/feasibility.ts'
import { parseEstate, readEstate } from '../src/estate/parse-estate.ts'
import { readPlainYaml } from '../src/estate/plain-yaml.ts'
import { readFullYaml } from '../src/estate/yaml-tree.ts'
import { load, print } from './figures.ts'
import { generatedEstate } from './generated-estate.ts'

const count = Number(process.argv[2] ?? 10_000)
const roundCount = 5
const text = generatedEstate(count)

print(
  `${count} components, ${(text.length / 1e6).toFixed(2)} MB of YAML, node ${process.version}, load ${load()}`,
)
measure('read by the plain reader', () => readPlainYaml(text) ?? fail())
measure('read and checked', () => parseEstate(text, 'estate.yaml'))
measure('read and checked, with findings', () => readEstate(text, 'estate.yaml'))
const estate = parseEstate(text, 'estate.yaml')
measure('assessed', () => assess(estate))
if (process.argv.includes('--full')) measure('read by the YAML package alone', () => readFullYaml(text))
print(`load ${load()}, resident ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`)

/** Wall time of the first and the median round; CPU time of the median one, which a busy machine changes less. */
function measure(label: string, work: () => unknown): void {
  const rounds = Array.from({ length: roundCount }, () => {
    const [startedMs, cpu] = [performance.now(), process.cpuUsage()]
    work()
    const { user, system } = process.cpuUsage(cpu)
    return { wallMs: performance.now() - startedMs, cpuMs: (user + system) / 1000 }
  })
  const median = rounds.toSorted((left, right) => left.cpuMs - right.cpuMs)[Math.floor(roundCount / 2)]
  const [first] = rounds
  print(
    `${label}: first ${first?.wallMs.toFixed(0)} ms; median ${median?.wallMs.toFixed(0)} ms wall, ` +
      `${median?.cpuMs.toFixed(0)} ms CPU, of ${roundCount}`,
  )
}

function fail(): never {
  throw new Error('the generated estate is not plain YAML')
}
