// How long it takes to read and check an estate of 10,000 components. Goal: planning and checking together within 1 s.
import { loadavg } from 'node:os'
import { parseEstate, readEstate } from '../src/estate/parse-estate.ts'
import { readPlainYaml } from '../src/estate/plain-yaml.ts'
import { readFullYaml } from '../src/estate/yaml-tree.ts'
import { generatedEstate } from './generated-estate.ts'

const count = Number(process.argv[2] ?? 10_000)
const rounds = 5
const text = generatedEstate(count)

print(
  `${count} components, ${(text.length / 1e6).toFixed(2)} MB of YAML, node ${process.version}, load ${load()}`,
)
measure('read by the plain reader', () => readPlainYaml(text) ?? fail())
measure('read and checked', () => parseEstate(text, 'estate.yaml'))
measure('read and checked, with findings', () => readEstate(text, 'estate.yaml'))
if (process.argv.includes('--full')) measure('read by the YAML package alone', () => readFullYaml(text))
print(`load ${load()}, resident ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`)

function measure(label: string, work: () => unknown): void {
  const times = Array.from({ length: rounds }, () => {
    const startedMs = performance.now()
    work()
    return performance.now() - startedMs
  })
  const sorted = times.toSorted((left, right) => left - right)
  const [first, median, worst] = [times[0] ?? 0, sorted[Math.floor(rounds / 2)] ?? 0, sorted.at(-1) ?? 0]
  print(
    `${label}: first ${first.toFixed(0)} ms, median ${median.toFixed(0)} ms, worst ${worst.toFixed(0)} ms of ${rounds}`,
  )
}

function load(): string {
  return loadavg()
    .map((value) => value.toFixed(2))
    .join(' ')
}

function fail(): never {
  throw new Error('the generated estate is not plain YAML')
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
