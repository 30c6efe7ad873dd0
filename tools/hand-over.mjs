// Runs a script of this repository under the pinned Node. No dependencies, and no syntax newer than Node 20:
// the launchers start under whatever Node the machine has.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

const oldestNodeMajor = 26

/** The pinned Node; else the running one when it is new enough (a platform we bring no binary for); else nothing. */
function runtime() {
  const pinned = join(root, 'node_modules', '.bin', 'node')
  if (existsSync(pinned)) return pinned
  const dependenciesExist = existsSync(join(root, 'node_modules', 'commander'))
  const major = Number.parseInt(process.versions.node, 10)
  return dependenciesExist && major >= oldestNodeMajor ? process.execPath : undefined
}

/** Spawns the script with our terminal, passes signals on, and ends the way the script ended. */
export function handOver(script, args) {
  const node = runtime()
  if (node === undefined) {
    process.stderr.write(`pointzero: its dependencies are not installed.\nRun: cd ${root} && npm ci\n`)
    process.exitCode = 1
    return
  }
  // malloc keeps what was freed apart for each thread, up to 64 MB: an agent that recovered a few databases would keep gigabytes.
  const env = { MALLOC_ARENA_MAX: '2', ...process.env }
  const child = spawn(node, [join(root, script), ...args], { stdio: 'inherit', env })
  // Ctrl-C in a terminal reaches the whole process group already; passing it on would make it two.
  const pass = (signal) => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, pass)
  child.on('error', (error) => {
    process.stderr.write(`pointzero: cannot run ${node}: ${error.message}\nRun: cd ${root} && npm ci\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    process.exit(code ?? 128 + (constants.signals[signal] ?? 0))
  })
}
