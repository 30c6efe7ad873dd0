import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

function run(script: string, ...args: readonly string[]) {
  return runIn(tmpdir(), script, ...args)
}

function runIn(directory: string, script: string, ...args: readonly string[]) {
  const file = fileURLToPath(new URL(`../../infra/scripts/${script}`, import.meta.url))
  const { status, stdout, stderr } = spawnSync(file, args, { cwd: directory, encoding: 'utf8' })
  return { status, stdout, stderr }
}

const unbuilt = [['failover-region.sh', 'region-failover', '--target', 'us-west-2']] as const
for (const [script, procedure, ...args] of unbuilt) {
  test(`${script} ${args.join(' ')} says that nothing was done, and fails`, () => {
    const { status, stdout, stderr } = run(script, ...args)
    assert.equal(status, 2)
    assert.equal(stdout, '')
    assert.match(stderr, new RegExp(`^error: ${procedure} is not built yet; .* nothing was done\n`))
  })
}

for (const [option, direction] of [
  ['--enable', 'on'],
  ['--disable', 'off'],
] as const) {
  test(`toggle-maintenance.sh ${option} is \`pointzero run maintenance\` with switch=${direction}, and passes on what follows`, () => {
    const directory = mkdtempSync(join(tmpdir(), 'pointzero-script-'))
    const context = join(directory, 'context.json')
    writeFileSync(context, '{}')
    const program = fileURLToPath(new URL('../../bin/pointzero', import.meta.url))
    const run = ['run', 'maintenance', '--param', `switch=${direction}`, '--context', context]
    const itself = spawnSync(program, run, { cwd: directory, encoding: 'utf8' })
    const { status, stdout, stderr } = runIn(directory, 'toggle-maintenance.sh', option, '--context', context)
    assert.deepEqual([status, stdout, stderr], [itself.status, itself.stdout, itself.stderr])
    assert.match(stderr, /context\.json/)
    rmSync(directory, { recursive: true })
  })
}

test('maintenance can be planned for the exchange, once what this version can not close is left out by name', () => {
  const example = fileURLToPath(new URL('../../examples/exchange/', import.meta.url))
  const program = fileURLToPath(new URL('../../bin/pointzero', import.meta.url))
  const from = ['--estate', join(example, 'estate.yaml'), '--facts', join(example, 'facts.json'), '--json']
  const planned = (...more: readonly string[]) =>
    spawnSync(program, ['plan', 'maintenance', '--param', 'switch=on', ...more, ...from], {
      encoding: 'utf8',
    })
  assert.match(planned().stdout, /MAINTENANCE_NOT_CLOSABLE/)
  const { plan } = JSON.parse(planned('--param', 'without=api-gateway').stdout) as {
    readonly plan: { readonly steps: readonly { readonly action: string }[] }
  }
  assert.deepEqual(
    plan.steps.map(({ action }) => action),
    ['gate.close', 'gate.close', 'gate.close', 'maintenance.record'],
  )
})

const misused = [
  ['failover-region.sh'],
  ['failover-region.sh', '--target'],
  ['failover-region.sh', '--target', '--context'],
  ['failover-region.sh', '--target', 'a b'],
  ['toggle-maintenance.sh'],
  ['toggle-maintenance.sh', '--on'],
] as const
for (const [script, ...args] of misused) {
  test(`${script} ${args.join(' ')} is answered with its usage`, () => {
    const { status, stderr } = run(script, ...args)
    assert.equal(status, 2)
    assert.match(stderr, /^usage: /)
  })
}
