import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

function run(script: string, ...args: readonly string[]) {
  const file = fileURLToPath(new URL(`../../infra/scripts/${script}`, import.meta.url))
  const { status, stdout, stderr } = spawnSync(file, args, { cwd: tmpdir(), encoding: 'utf8' })
  return { status, stdout, stderr }
}

const unbuilt = [
  ['failover-region.sh', 'region-failover', '--target', 'us-west-2'],
  ['toggle-maintenance.sh', 'maintenance', '--enable'],
  ['toggle-maintenance.sh', 'maintenance', '--disable'],
] as const
for (const [script, procedure, ...args] of unbuilt) {
  test(`${script} ${args.join(' ')} says that nothing was done, and fails`, () => {
    const { status, stdout, stderr } = run(script, ...args)
    assert.equal(status, 2)
    assert.equal(stdout, '')
    assert.match(stderr, new RegExp(`^error: ${procedure} is not built yet; .* nothing was done\n`))
  })
}

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
