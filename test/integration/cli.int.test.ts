import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  globSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parse } from 'yaml'
import type { ErrorRecord } from '../../src/domain/recovery-error.ts'
import { freePort } from '../support/free-port.ts'

const root = join(import.meta.dirname, '..', '..')
const program = join(root, 'bin', 'pointzero')
const directory = mkdtempSync(join(tmpdir(), 'pointzero-cli-'))
const children: (() => void)[] = []
after(() => {
  for (const kill of children) kill()
  rmSync(directory, { recursive: true })
})

const exchange = join(root, 'examples', 'exchange', 'estate.yaml')
const exchangeFacts = join(root, 'examples', 'exchange', 'facts.json')

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function pointzero(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Ended {
  const env = { PATH: process.env['PATH'] ?? '', HOME: directory, ...environment }
  const ended = spawnSync(program, args, { encoding: 'utf8', cwd: directory, env })
  return { code: ended.status, out: ended.stdout, err: ended.stderr }
}

function errorOf({ out }: Ended): ErrorRecord {
  return (JSON.parse(out) as { readonly error: ErrorRecord }).error
}

test('--help and --version answer, and say how commands end', () => {
  const help = pointzero(['--help'])
  assert.equal(help.code, 0)
  assert.match(help.out, /Exit codes: 0 done, 1 failed, 2 usage or estate, 3 refused, 4 waiting/)
  assert.match(pointzero(['--version']).out, /^\d+\.\d+\.\d+\n$/)
})

test('a command line that makes no sense ends with 2 and changes nothing', () => {
  const wrong = [
    ['frobnicate'],
    ['plan'],
    ['plan', 'zone-failover', '--frob'],
    ['plan', 'no-such-procedure', '--estate', exchange, '--facts', exchangeFacts],
    ['plan', 'zone-failover', '--estate', exchange, '--facts', exchangeFacts, '--param', 'nonsense'],
    ['plan', 'zone-failover', '--estate', exchange, '--facts', exchangeFacts, '--param', 'no=1'],
    ['plan', 'zone-failover', '--estate', exchange, '--facts', exchangeFacts, '--scenario', 'corruption'],
    ['plan', 'zone-failover', '--estate', 'absent.yaml', '--facts', exchangeFacts],
    ['plan', 'zone-failover', '--estate', exchange, '--facts', exchangeFacts, '--diff', 'f00'],
    ['check', 'absent.yaml'],
    ['status'],
    ['status', '--context', 'absent.json'],
    ['simulate', '--seed', 'x'],
    ['drill', 'no-such-scenario'],
    ['evidence', 'verify', 'absent.json'],
  ]
  assert.deepEqual(
    wrong.map((args) => [args.join(' '), pointzero(args).code]),
    wrong.map((args) => [args.join(' '), 2]),
  )
})

test('a drill for which this version has no sandbox is refused with what is not built, and ends with 3', () => {
  for (const scenario of ['component-loss', 'region-loss', 'estate-loss']) {
    const refused = pointzero(['drill', scenario, '--json'])
    assert.equal(refused.code, 3)
    assert.equal(errorOf(refused).code, 'DRILL_NOT_AVAILABLE')
    assert.match(errorOf(refused).message, /not built yet: .{20}/)
  }
})

test('an error says what, where and the next command, as text and as JSON', () => {
  const text = pointzero(['status'])
  assert.match(text.err, /^error USAGE \(invalid-estate\)\n {2}.+\n {2}next: .*--context FILE/)
  assert.equal(text.out, '')
  const json = pointzero(['status', '--json'])
  assert.equal(errorOf(json).code, 'USAGE')
  assert.notEqual(errorOf(json).hint, '')
})

test('every example estate is read, and says so in JSON too', () => {
  const examples = globSync('examples/*/estate.yaml', { cwd: root })
  assert.ok(examples.length > 0)
  for (const example of examples) {
    const checked = pointzero(['check', join(root, example), '--json'])
    assert.equal(checked.code, 0, checked.out)
    const { estate, objectives, staleReads } = JSON.parse(checked.out) as {
      estate: { digest: string }
      staleReads: { name: string; fenceMs: number; boundMs: number | null }[]
      objectives: { verdict: string; recoverable: boolean; smallestChange?: string }[]
    }
    assert.match(estate.digest, /^[0-9a-f]{64}$/)
    assert.ok(staleReads.length > 0)
    assert.ok(staleReads.every(({ fenceMs, boundMs }) => boundMs === null || boundMs > fenceMs))
    assert.ok(objectives.some(({ recoverable }) => recoverable))
    assert.ok(objectives.some(({ recoverable }) => !recoverable))
    // Nobody has drilled it yet: nothing is proven, and each says what to do.
    assert.ok(objectives.every(({ verdict }) => verdict === 'UNPROVEN' || verdict === 'REFUTED'))
    assert.ok(objectives.every(({ smallestChange = '' }) => smallestChange !== ''))
  }
})

test('check says what is refuted and why, and --strict ends with 1 where anything is', () => {
  const estate = parse(readFileSync(exchange, 'utf8')) as { objectives: unknown }
  const judged = (objectives: unknown, ...args: readonly string[]): Ended => {
    const file = join(directory, 'objectives.yaml')
    writeFileSync(file, JSON.stringify({ ...estate, objectives }))
    return pointzero(['check', file, ...args])
  }
  const possible = [{ scenarios: ['zone-loss'], components: ['ledger'], rpo: 'PT0S', rto: 'PT5M' }]
  const impossible = [{ scenarios: ['zone-loss'], components: ['ledger'], rpo: 'PT0S', rto: 'PT1S' }]
  assert.match(judged(possible).out, /UNPROVEN zone-loss of ledger, RTO PT5M\n {4}.+\n {4}next: /)
  assert.match(judged(impossible).out, /REFUTED zone-loss of ledger, RTO PT1S\n {4}.+\n {4}next: /)
  assert.equal(judged(impossible).code, 0)
  assert.equal(judged(impossible, '--strict').code, 1)
})

test('an estate with a mistake ends with 2 and names file, line and column', () => {
  const file = join(directory, 'broken.yaml')
  writeFileSync(file, readFileSync(exchange, 'utf8').replace('kind: postgres', 'kind: postgras'))
  const broken = pointzero(['check', file])
  assert.equal(broken.code, 2)
  assert.match(broken.err, /broken\.yaml:\d+:\d+: components\./)
})

/** The same value with every object's members in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, reversed(member)]),
  )
}

test('the same facts give the same plan hash in any time zone, language, directory and order of keys', () => {
  const turned = join(directory, 'turned.json')
  writeFileSync(turned, JSON.stringify(reversed(JSON.parse(readFileSync(exchangeFacts, 'utf8')))))
  const surroundings = [
    [exchangeFacts, { TZ: 'UTC', LANG: 'C' }],
    [exchangeFacts, { TZ: 'Pacific/Kiritimati', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' }],
    [turned, { TZ: 'America/St_Johns', LANG: 'ja_JP.UTF-8' }],
  ] as const
  const hashes = surroundings.map(([facts, environment]) => {
    const made = pointzero(
      ['plan', 'zone-failover', '--estate', exchange, '--facts', facts, '--json'],
      environment,
    )
    assert.equal(made.code, 0, made.out)
    return (JSON.parse(made.out) as { readonly hash: string }).hash
  })
  assert.match(hashes[0] ?? '', /^[0-9a-f]{64}$/)
  assert.equal(new Set(hashes).size, 1)
})

test('evidence is verified with the keys that are given, and a changed byte ends with 1', () => {
  const fixture = join(root, 'test/fixtures/formats/evidence.json')
  const keys = join(root, 'test/fixtures/formats/principals.json')
  const genuine = pointzero(['evidence', 'verify', fixture, '--keys', keys, '--json'])
  assert.equal(genuine.code, 0, genuine.out + genuine.err)
  assert.equal((JSON.parse(genuine.out) as { readonly ok: boolean }).ok, true)
  const changed = join(directory, 'evidence.json')
  writeFileSync(changed, readFileSync(fixture, 'utf8').replace('zone a is dark', 'zone b is dark'))
  const found = pointzero(['evidence', 'verify', changed, '--keys', keys, '--json'])
  assert.equal(found.code, 1)
  assert.equal((JSON.parse(found.out) as { readonly where: string }).where, 'entry 1 approvals, field digest')
  assert.match(pointzero(['evidence', 'show', fixture]).out, /REAL.*zone-failover/)
  const page = join(directory, 'page.html')
  assert.equal(pointzero(['evidence', 'show', fixture, '--html', page]).code, 0)
  assert.match(readFileSync(page, 'utf8'), /^<!doctype html>/)
})

test('a fact that matters changes the plan hash', () => {
  const changed = join(directory, 'changed.json')
  const facts = JSON.parse(readFileSync(exchangeFacts, 'utf8')) as {
    clusters: { systemIdentifier: string }[]
  }
  for (const cluster of facts.clusters) cluster.systemIdentifier = '7000000000000000001'
  writeFileSync(changed, JSON.stringify(facts))
  const hashOf = (file: string): string =>
    (
      JSON.parse(
        pointzero(['plan', 'zone-failover', '--estate', exchange, '--facts', file, '--json']).out,
      ) as { hash: string }
    ).hash
  assert.notEqual(hashOf(changed), hashOf(exchangeFacts))
})

test('setup never overwrites, and a control plane made with it answers its people and nobody else', async () => {
  const estateFile = await oneHostEstate()
  const out = join(directory, 'setup')
  const setUp = () =>
    pointzero([
      'setup',
      '--estate',
      estateFile,
      '--out',
      out,
      '--install',
      join(out, 'control-plane'),
      '--json',
      '--agent-state',
      directory,
    ])
  const made = setUp()
  assert.equal(made.code, 0, made.out)
  assert.equal(setUp().code, 2)
  await serving(join(out, 'control-plane', 'serve.json'))

  const as = (person: string, ...args: readonly string[]): Ended =>
    pointzero([...args, '--json', '--context', join(out, 'people', person, 'context.json')])
  const status = as('operator', 'status')
  assert.equal(status.code, 0, status.out)
  const { estate, readiness } = JSON.parse(status.out) as {
    readonly estate: string
    readonly readiness: readonly { readonly component: string; readonly colour: string }[]
  }
  assert.equal(estate, 'est_labgoldestate')
  // No agent reports: nothing is known, so nothing is green.
  assert.ok(readiness.length > 0 && readiness.every(({ colour }) => colour !== 'GREEN'))
  assert.match(pointzero(['status', '--context', join(out, 'people/operator/context.json')]).out, / UNKNOWN /)
  assert.equal(errorOf(as('operator', 'plan', 'adoption', '--drill')).code, 'DRILL_NOT_AVAILABLE')
  assert.equal(
    (JSON.parse(as('operator', 'principal', 'list').out) as { principals: unknown[] }).principals.length,
    3,
  )
  assert.deepEqual(JSON.parse(as('operator', 'runs').out), { runs: [] })
  assert.equal(as('approver', 'approve', '--standing', 'zone-failover').code, 0)
  assert.equal(errorOf(as('approver', 'approve', 'f'.repeat(64))).code, 'PLAN_UNKNOWN')
  assert.equal(as('approver', 'approve', 'f00').code, 2)
  assert.equal(errorOf(as('operator', 'show', 'run_absent01')).code, 'RUN_UNKNOWN')
  const unadopted = as('operator', 'run', 'zone-failover')
  assert.equal(unadopted.code, 3)
  assert.equal(errorOf(unadopted).code, 'CLUSTER_NOT_ADOPTED')

  const stranger = join(directory, 'stranger')
  pointzero(['setup', '--estate', estateFile, '--out', stranger])
  const context = JSON.parse(readFileSync(join(out, 'people', 'operator', 'context.json'), 'utf8')) as object
  const tls = {
    ca: join(out, 'authority', 'ca.pem'),
    cert: join(stranger, 'people/operator/cert.pem'),
    key: join(stranger, 'people/operator/key.pem'),
  }
  writeFileSync(join(directory, 'stranger.json'), JSON.stringify({ ...context, tls, estateFile }))
  const refused = pointzero(['status', '--json', '--context', join(directory, 'stranger.json')])
  assert.notEqual(refused.code, 0)
})

test('setup gives the control plane and the agent beside it no file of the same name, and each finds its own', () => {
  const out = join(directory, 'together')
  const estateFile = join(root, 'test/fixtures/formats/estate.yaml')
  const made = ['setup', '--estate', estateFile, '--out', out, '--install', '/etc/pointzero']
  assert.equal(pointzero(made).code, 0)
  const estate = parse(readFileSync(estateFile, 'utf8')) as { readonly controlPlane: { host: string } }
  const [plane, beside] = [join(out, 'control-plane'), join(out, 'hosts', estate.controlPlane.host)]
  assert.deepEqual(
    readdirSync(plane).filter((name) => readdirSync(beside).includes(name)),
    [],
  )
  for (const [part, config] of [
    [plane, 'serve.json'],
    [beside, 'agent/agent.json'],
  ] as const) {
    const named = readFileSync(join(part, config), 'utf8').matchAll(/"\/etc\/pointzero\/([^"]+)"/g)
    const files = [...named].map(([, file]) => join(part, file ?? ''))
    assert.ok(files.length > 0 && files.every(existsSync), files.join())
  }
})

test('setup gives every member a certificate to show, whose files are there', () => {
  const out = join(directory, 'encrypted')
  const estateFile = join(root, 'test/fixtures/formats/estate.yaml')
  assert.equal(
    pointzero(['setup', '--estate', estateFile, '--out', out, '--install', '/etc/pointzero']).code,
    0,
  )
  const members = readdirSync(join(out, 'hosts')).flatMap((host) => {
    const file = join(out, 'hosts', host, 'agent.json')
    if (!existsSync(file)) return []
    const config = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly postgres: readonly { tls?: object }[]
    }
    return config.postgres.map(({ tls = {} }) => ({ host, files: Object.values(tls) as readonly string[] }))
  })
  assert.ok(members.length > 1)
  for (const { host, files } of members) {
    assert.equal(files.length, 3)
    for (const file of files)
      assert.ok(existsSync(file.replace('/etc/pointzero', join(out, 'hosts', host))), file)
  }
})

test('principal add edits the configuration of the control plane, keeps what it was, and refuses what can not be', () => {
  const out = join(directory, 'principals')
  const estateFile = join(root, 'test/fixtures/formats/estate.yaml')
  assert.equal(pointzero(['setup', '--estate', estateFile, '--out', out]).code, 0)
  const file = join(out, 'control-plane', 'serve.json')
  const before = readFileSync(file, 'utf8')
  const { subject, principals } = JSON.parse(before) as {
    readonly subject: string
    readonly principals: readonly { readonly id: string; readonly publicKey: string }[]
  }
  const key = (
    JSON.parse(pointzero(['principal', 'key', '--out', join(out, 'new.pem'), '--json']).out) as {
      readonly publicKey: string
    }
  ).publicKey
  const add = (id: string, publicKey: string, role: string, ...args: readonly string[]): Ended =>
    pointzero([
      'principal',
      'add',
      id,
      '--config',
      file,
      '--name',
      'Nora',
      '--key',
      publicKey,
      '--role',
      role,
      ...args,
    ])
  const taken = principals.find(({ id }) => id !== subject)?.publicKey ?? ''
  assert.equal(add('nora', key, 'approver').code, 2)
  assert.equal(add('prn_nora01', key.slice(1), 'approver').code, 2)
  assert.equal(add('prn_nora01', key, 'king').code, 2)
  assert.equal(errorOf(add('prn_nora01', taken, 'approver', '--json')).code, 'PRINCIPAL_REFUSED')
  assert.equal(errorOf(add(subject, key, 'approver', '--json')).code, 'PRINCIPAL_REFUSED')
  assert.equal(readFileSync(file, 'utf8'), before)

  const added = add('prn_nora01', key, 'approver')
  assert.equal(added.code, 0, added.err)
  assert.match(added.out, /Restart `pointzero serve`/)
  const config = JSON.parse(readFileSync(file, 'utf8')) as { readonly principals: readonly object[] }
  assert.deepEqual(config.principals.at(-1), {
    id: 'prn_nora01',
    name: 'Nora',
    publicKey: key,
    roles: ['approver'],
  })
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const [backup = ''] = globSync(`${file}.*`)
  assert.equal(readFileSync(backup, 'utf8'), before)
  const again = JSON.parse(add('prn_nora01', key, 'approver', '--json').out) as { restartNeeded: boolean }
  assert.equal(again.restartNeeded, false)
  assert.equal(globSync(`${file}.*`).length, 1)
})

/** The golden estate of a lab: all of its hosts are loopback addresses of this machine. */
async function oneHostEstate(): Promise<string> {
  const estate = parse(readFileSync(join(root, 'test/fixtures/formats/estate.yaml'), 'utf8')) as {
    readonly controlPlane: { port: number }
  }
  estate.controlPlane.port = await freePort()
  const file = join(directory, 'estate.yaml')
  writeFileSync(file, JSON.stringify(estate))
  return file
}

async function serving(config: string): Promise<void> {
  const child = spawn(program, ['serve', '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(() => child.kill('SIGTERM'))
  let text = ''
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  child.on('exit', () => reject(new Error(`serve ended: ${text}`)))
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part
      if (text.includes('"listening"')) resolve()
    })
  }
  await promise
}
