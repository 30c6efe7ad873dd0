// The servers and network tools that integration and e2e tests run against, from Debian's packages.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

interface SystemPackage {
  readonly name: string
  /** Absolute paths, or names to be found in PATH or /usr/sbin. */
  readonly programs: readonly string[]
}

const postgresPrograms = [
  'postgres',
  'initdb',
  'pg_ctl',
  'pg_rewind',
  'pg_verifybackup',
  'pg_waldump',
  'psql',
]

export const systemPackages: readonly SystemPackage[] = [
  { name: 'postgresql-15', programs: postgresPrograms.map((name) => `/usr/lib/postgresql/15/bin/${name}`) },
  { name: 'iproute2', programs: ['ip'] },
  { name: 'iptables', programs: ['iptables'] },
  { name: 'haproxy', programs: ['haproxy'] },
]

export function missingSystemPackages(): readonly string[] {
  return systemPackages.filter(({ programs }) => !programs.every(isInstalled)).map(({ name }) => name)
}

function isInstalled(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin']
  const candidates = program.startsWith('/') ? [program] : folders.map((folder) => join(folder, program))
  return candidates.some(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const aptInstall = ['apt-get', 'install', '-y', '--no-install-recommends'] as const

export function installCommand(packages: readonly string[]): string {
  return `apt-get update && ${aptInstall.join(' ')} ${packages.join(' ')}`
}

/** Installs what is missing. Returns the sentence to print when it cannot, or when it did not help. */
export function ensureSystemPackages(): string | undefined {
  const missing = missingSystemPackages()
  if (missing.length === 0) return undefined
  const command = installCommand(missing)
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    return `These system packages are missing: ${missing.join(', ')}.\nRun as root: ${command}\nor leave the tests that need them out: npm test -- --profile minimal`
  }
  process.stdout.write(`installing system packages: ${missing.join(', ')}\n`)
  installWithoutStartingAnything(missing)
  const stillMissing = missingSystemPackages()
  if (stillMissing.length === 0) return undefined
  return `Installing ${stillMissing.join(', ')} failed.\nRun as root and read what it says: ${command}`
}

/** The tests start their own servers: no daemon is started by the installation, no default cluster is created. */
function installWithoutStartingAnything(packages: readonly string[]): void {
  const restoreDaemonPolicy = replaceFile('/usr/sbin/policy-rc.d', '#!/bin/sh\nexit 101\n', 0o755)
  const restoreClusterPolicy = replaceFile(
    '/etc/postgresql-common/createcluster.conf',
    'create_main_cluster = false\n',
    0o644,
  )
  try {
    runApt(['apt-get', 'update'])
    runApt([...aptInstall, ...packages])
  } finally {
    restoreClusterPolicy()
    restoreDaemonPolicy()
  }
}

function runApt([program, ...args]: readonly string[]): void {
  const options = ['-q', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Options::=--force-confold']
  spawnSync(program ?? '', [...options, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', UCF_FORCE_CONFFOLD: '1' },
  })
}

/** Puts other content in place for a while; the function it returns puts the old state back. */
function replaceFile(path: string, content: string, mode: number): () => void {
  const before = existsSync(path) ? readFileSync(path) : undefined
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content, { mode })
  return () => {
    if (before === undefined) rmSync(path)
    else writeFileSync(path, before)
  }
}
