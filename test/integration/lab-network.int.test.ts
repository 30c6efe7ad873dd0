import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { freeSubnet } from '../../src/lab/free-subnet.ts'
import { removeLab } from '../../src/lab/lab-cleanup.ts'
import { labHosts } from '../../src/lab/lab-host.ts'
import type { LabHostName } from '../../src/lab/lab-host.ts'
import { labNetwork } from '../../src/lab/lab-network.ts'
import type { LabNetwork } from '../../src/lab/lab-network.ts'
import { isRunning, startLabProcess } from '../../src/lab/lab-process.ts'
import { makeLabDirectory, readLabState, writeLabState } from '../../src/lab/lab-state.ts'
import type { LabState } from '../../src/lab/lab-state.ts'
import { detectNetwork } from '../../src/lab/network-capabilities.ts'
import { mustRun, runCommand } from '../../src/lab/run-command.ts'

interface Bench {
  readonly state: LabState
  readonly network: LabNetwork
}

async function makeBench(instance: string): Promise<Bench> {
  const capabilities = await detectNetwork(runCommand, true, `pz${instance}probe`)
  const subnet = await freeSubnet()
  const state = writeLabState({
    instance,
    directory: makeLabDirectory(instance),
    network: capabilities.kind,
    subnet,
    hosts: labHosts(subnet),
  })
  const network = labNetwork(state, capabilities)
  await network.up()
  return { state, network }
}

/** Sends one datagram from one host to the other; true when it arrived. */
async function arrives({ network }: Bench, from: LabHostName, to: LabHostName): Promise<boolean> {
  const address = network.addressOf(to)
  const listen = `const s=require('dgram').createSocket('udp4').bind(7,'${address}',()=>console.log('up'))
    s.on('message',()=>process.exit(0));setTimeout(()=>process.exit(1),700)`
  const [program = '', ...args] = network.argvOn(to, [process.execPath, '-e', listen])
  const listener = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(listener.stdout, 'data')
  const send = `const s=require('dgram').createSocket('udp4');s.send('x',7,'${address}',()=>s.close())`
  await runCommand(network.argvOn(from, [process.execPath, '-e', send]))
  const code = listener.exitCode ?? ((await once(listener, 'exit')) as [number])[0]
  return code === 0
}

describe('the lab network, with every host a network namespace', () => {
  let bench: Bench
  before(async () => (bench = await makeBench('tst1')))
  after(async () => await removeLab(bench.state, { keepFiles: false }))

  it('says that it has namespaces, link faults and a packet filter', () => {
    assert.equal(bench.network.capabilities.kind, 'namespaces')
    assert.equal(bench.network.capabilities.linkFaults, true)
    assert.notEqual(bench.network.capabilities.packetFilter, 'none')
    assert.deepEqual(bench.network.capabilities.missing, [])
  })

  it('lets hosts reach each other', async () => {
    assert.equal(await arrives(bench, 'client', 'az1'), true)
  })

  it('may be brought up again without harm', async () => {
    await bench.network.up()
    assert.equal(await arrives(bench, 'az2', 'ctl'), true)
  })

  it('cuts a host off in both directions and heals it', async () => {
    await bench.network.cut('az1')
    assert.equal(await arrives(bench, 'az2', 'az1'), false)
    assert.equal(await arrives(bench, 'az1', 'az2'), false)
    assert.equal(await arrives(bench, 'az2', 'az3'), true)
    await bench.network.heal('az1')
    assert.equal(await arrives(bench, 'az2', 'az1'), true)
  })

  it('cuts one direction only', async () => {
    await bench.network.cutOneWay('az1', 'in')
    assert.equal(await arrives(bench, 'az1', 'az2'), true)
    assert.equal(await arrives(bench, 'az2', 'az1'), false)
    await bench.network.heal('az1')
    await bench.network.cutOneWay('az1', 'out')
    assert.equal(await arrives(bench, 'az1', 'az2'), false)
    assert.equal(await arrives(bench, 'az2', 'az1'), true)
    await bench.network.heal('az1')
    assert.equal(await arrives(bench, 'az1', 'az2'), true)
  })

  it('separates one pair and leaves the others together', async () => {
    await bench.network.block('az1', 'az2')
    assert.equal(await arrives(bench, 'az1', 'az2'), false)
    assert.equal(await arrives(bench, 'az2', 'az1'), false)
    assert.equal(await arrives(bench, 'az1', 'az3'), true)
    assert.equal(await arrives(bench, 'az3', 'az1'), true)
    await bench.network.heal('az1')
    assert.equal(await arrives(bench, 'az2', 'az1'), true)
  })

  it('finds every process of a host, also one that the recorded process started', async () => {
    const script = `require('child_process').spawn('sleep',['300']);setTimeout(()=>{},300000)`
    const argv = bench.network.argvOn('az3', [process.execPath, '-e', script])
    const recorded = await startLabProcess(bench.state, { name: 'parent', host: 'az3', argv })
    while ((await bench.network.pids('az3')).length < 2) assert.equal(isRunning(recorded), true)
    assert.deepEqual(await bench.network.pids('az2'), [])
  })
})

describe('a second lab beside the first, whose starter died', () => {
  it('is removed by what its state file records, and leaves nothing behind', async () => {
    const first = await makeBench('tst2')
    const second = await makeBench('tst3')
    try {
      assert.notEqual(first.state.subnet, second.state.subnet)
      const sleeper = {
        name: 'sleeper',
        host: 'az1' as const,
        argv: first.network.argvOn('az1', ['sleep', '300']),
      }
      const recorded = await startLabProcess(first.state, sleeper)
      const found = readLabState(first.state.directory)
      assert.ok(found)
      await removeLab(found, { keepFiles: false })
      assert.equal(isRunning(recorded), false)
      assert.equal(readLabState(first.state.directory), undefined)
      const [links, namespaces] = [await mustRun(['ip', 'link']), await mustRun(['ip', 'netns', 'list'])]
      assert.doesNotMatch(links + namespaces, /pztst2/)
      assert.match(namespaces, /pztst3-az1/)
      assert.equal(await arrives(second, 'az1', 'client'), true)
      await removeLab(found, { keepFiles: false })
    } finally {
      await removeLab(first.state, { keepFiles: false })
      await removeLab(second.state, { keepFiles: false })
    }
  })
})
