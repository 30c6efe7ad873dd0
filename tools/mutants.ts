// Plants one bug after the other into a copy of src and shows by what it is found. Ends with 1 when one survives.
// `node tools/mutants.ts [--only <part of a name>] [--seeds <number>]`
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { plantedBugs, requireFound } from './planted-bugs.ts'
import type { PlantedBug } from './planted-bugs.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const unitFolders = ['domain', 'engine', 'actions', 'agent', 'watch', 'procedures', 'server']
const killMs = 600_000

interface Verdict {
  readonly killer: string
  readonly detail: string
}

function main(): void {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, seeds: { type: 'string', default: '160' } },
  })
  const chosen = plantedBugs.filter(({ name }) => name.includes(values.only ?? ''))
  const copy = mkdtempSync(join(tmpdir(), 'pointzero-mutants-'))
  try {
    for (const folder of ['src', 'test', 'tools'])
      cpSync(join(root, folder), join(copy, folder), { recursive: true })
    cpSync(join(root, 'package.json'), join(copy, 'package.json'))
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    for (const planted of chosen) requireFound(root, planted)
    const sound = judge(copy, values.seeds)
    if (sound !== undefined) throw new Error(`without any planted bug: ${sound.killer}: ${sound.detail}`)
    process.stdout.write(`${chosen.length} planted bugs; without them everything passes\n`)
    const survivors = chosen.filter((planted) => !isKilled(copy, planted, values.seeds))
    process.stdout.write(`${chosen.length - survivors.length} of ${chosen.length} were found\n`)
    if (survivors.length > 0) process.exitCode = 1
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

function isKilled(copy: string, planted: PlantedBug, seeds: string): boolean {
  const files = new Map(planted.edits.map(({ file }) => [file, readFileSync(join(copy, file), 'utf8')]))
  try {
    plant(copy, planted)
    const verdict = judge(copy, seeds)
    const line = verdict === undefined ? 'SURVIVED' : `${verdict.killer.padEnd(11)} ${verdict.detail}`
    process.stdout.write(`${planted.name.padEnd(82)} ${line}\n`)
    return verdict !== undefined
  } finally {
    for (const [file, text] of files) writeFileSync(join(copy, file), text)
  }
}

function plant(copy: string, { edits }: PlantedBug): void {
  for (const { file, find, replace } of edits) {
    const path = join(copy, file)
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace(find, () => replace),
    )
  }
}

/** The simulation first: it is what this is about. Undefined when nothing notices. */
function judge(copy: string, seeds: string): Verdict | undefined {
  const simulated = run(copy, ['tools/find-bug.ts', seeds])
  if (simulated !== undefined) return { killer: 'simulation', detail: simulated }
  const files = unitFolders.map((folder) => `src/${folder}/**/*.test.ts`)
  const tested = run(copy, ['--test', '--test-isolation=none', '--test-reporter=dot', ...files])
  return tested === undefined ? undefined : { killer: 'unit tests', detail: '' }
}

/** What it says when it fails; undefined when it passes. */
function run(copy: string, args: readonly string[]): string | undefined {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { status, stdout, signal } = spawnSync(process.execPath, args, {
    cwd: copy,
    env,
    encoding: 'utf8',
    timeout: killMs,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  if (status === 0) return undefined
  return signal === null ? (stdout.split('\n')[0] ?? '').slice(0, 140) : `it did not end (${signal})`
}

main()
