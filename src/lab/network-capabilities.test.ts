import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { detectNetwork } from './network-capabilities.ts'
import type { RunCommand } from './run-command.ts'

/** A machine on which every command works but those that begin like one of `failing`. */
function machine(...failing: readonly string[]): { readonly run: RunCommand; readonly commands: string[] } {
  const commands: string[] = []
  const run: RunCommand = async (argv) => {
    const command = argv.join(' ')
    commands.push(command)
    const fails = failing.some((start) => command.includes(start))
    return { code: fails ? 1 : 0, stdout: '', stderr: fails ? 'Operation not permitted\n' : '' }
  }
  return { run, commands }
}

describe('detection of what the network of this machine can do', () => {
  it('finds namespaces, link faults and iptables on a complete machine, and removes its probe', async () => {
    const { run, commands } = machine()
    const found = await detectNetwork(run, true, 'probe')
    assert.deepEqual(found, { kind: 'namespaces', linkFaults: true, packetFilter: 'iptables', missing: [] })
    assert.equal(commands.at(-1), 'ip netns del probe')
  })

  it('touches nothing without root, and says that only processes can be faulted', async () => {
    const { run, commands } = machine()
    const found = await detectNetwork(run, false, 'probe')
    assert.equal(found.kind, 'loopback')
    assert.equal(found.linkFaults, false)
    assert.match(found.missing.join(), /not started as root.*faults are done to processes only/)
    assert.deepEqual(commands, [])
  })

  it('falls back to loopback with the reason when namespaces are not permitted', async () => {
    const found = await detectNetwork(machine('netns add').run, true, 'probe')
    assert.equal(found.kind, 'loopback')
    assert.match(found.missing.join(), /Operation not permitted/)
  })

  it('falls back to loopback without veth, and still removes its probe', async () => {
    const { run, commands } = machine('link add')
    assert.equal((await detectNetwork(run, true, 'probe')).kind, 'loopback')
    assert.ok(commands.includes('ip netns del probe'))
  })

  it('takes nft where there is no iptables', async () => {
    assert.equal((await detectNetwork(machine('iptables').run, true, 'probe')).packetFilter, 'nft')
  })

  it('names the package when neither packet filter is there', async () => {
    const found = await detectNetwork(machine('iptables', 'nft').run, true, 'probe')
    assert.equal(found.packetFilter, 'none')
    assert.match(found.missing.join(), /apt-get install iptables/)
  })
})
