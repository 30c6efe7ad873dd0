// The lab by hand: node src/lab/lab-main.ts up | status | down
import { parseArgs } from 'node:util'
import { RecoveryError } from '../domain/recovery-error.ts'
import { labDown, labStatus, labUp, theOneLab } from './lab.ts'
import { personContext } from './lab-paths.ts'
import { findLabs } from './lab-state.ts'

const usage = `usage: node src/lab/lab-main.ts up [--postgres system|embedded] [--network namespaces|loopback] [--keep]
       node src/lab/lab-main.ts status [--directory DIR]
       node src/lab/lab-main.ts down [--directory DIR | --all] [--keep-files]`

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    directory: { type: 'string' },
    postgres: { type: 'string' },
    network: { type: 'string' },
    keep: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    'keep-files': { type: 'boolean', default: false },
  },
})

try {
  await main(positionals[0])
} catch (error) {
  if (!(error instanceof RecoveryError)) throw error
  process.stderr.write(`${error.code}: ${error.message}\nnext: ${error.hint}\n`)
  process.exitCode = 1
}

async function main(command: string | undefined): Promise<void> {
  if (command === 'up') await up()
  else if (command === 'status') status()
  else if (command === 'down') await down()
  else {
    print(usage)
    process.exitCode = 2
  }
}

async function up(): Promise<void> {
  const { postgres, network, keep } = given
  const { state } = await labUp({
    progress: print,
    keep,
    ...(postgres === 'system' || postgres === 'embedded' ? { postgres } : {}),
    ...(network === 'namespaces' || network === 'loopback' ? { network } : {}),
  })
  print(`export POINTZERO_CONTEXT=${personContext(state.directory, 'operator')}`)
  print(`node src/lab/lab-main.ts down --directory ${state.directory}`)
}

function status(): void {
  const { state, processes } = labStatus(given.directory ?? theOneLab())
  print(`${state.directory}: ${state.network} in ${state.subnet}.0/24`)
  for (const { name, pid, running } of processes) {
    print(`${name.padEnd(20)}${String(pid).padEnd(10)}${running ? 'running' : 'ended'}`)
  }
}

async function down(): Promise<void> {
  const directories = given.all ? findLabs() : [given.directory ?? theOneLab()]
  for (const directory of directories) {
    await labDown(directory, { keepFiles: given['keep-files'] })
    print(`${directory}: nothing of it is left${given['keep-files'] ? ' but its files' : ''}`)
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
