import assert from 'node:assert/strict'
import { RecoveryError } from '../../src/domain/recovery-error.ts'
import { EventLoop } from '../../src/simulation/event-loop.ts'
import { SimClock } from '../../src/simulation/sim-clock.ts'
import { SimHost } from '../../src/simulation/sim-host.ts'
import { SimObjectStore } from '../../src/simulation/sim-object-store.ts'
import { SimProcess } from '../../src/simulation/sim-process.ts'
import { SimRandom } from '../../src/simulation/sim-random.ts'
import { Ed25519Verifier } from '../../src/platform/ed25519-signer.ts'
import { readCatalogue } from '../../src/vault/catalogue.ts'
import { restoreSnapshot } from '../../src/vault/restore-snapshot.ts'
import { createVault } from '../../src/vault/vault-descriptor.ts'
import type { WritableVault } from '../../src/vault/vault-descriptor.ts'
import { verifySnapshot } from '../../src/vault/verify-snapshot.ts'
import { FailingRestoreDirectory } from '../support/failing-restore-directory.ts'
import { FaultPlan } from '../support/fault-plan.ts'
import { backUp, recoveryKey, sampleWriter, writerKeys } from '../support/sample-vault.ts'

const verifier = new Ed25519Verifier()
const faultsUs = 400_000

type Files = Map<string, Uint8Array>

interface Life {
  readonly loop: EventLoop
  readonly random: SimRandom
  readonly host: SimHost
  /** What was said to be stored, by snapshot. */
  readonly stored: Map<string, Files>
}

function born(seed: number): Life {
  const random = new SimRandom(seed)
  const loop = new EventLoop(random)
  const host = new SimHost(loop, random, { name: 'vault', zone: 'outside', address: '10.0.0.7' })
  return { loop, random, host, stored: new Map() }
}

function vaultOf({ loop, random }: Life, process: SimProcess): WritableVault {
  const store = new SimObjectStore({ loop, process, random: random.fork(`${process.name} ${loop.events}`) })
  return { id: 'vlt_sample01', store, trust: { writers: writerKeys, verifier } }
}

/** A database of a few small files, one of which is another one each time. */
function filesOf(random: SimRandom): Files {
  return new Map([
    ['PG_VERSION', Buffer.from('15\n')],
    ['backup_label', Buffer.from('START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\n')],
    ['base/5/1259', new Uint8Array(random.between(0, 20_000)).fill(random.integer(4))],
    ['base/5/2619', random.bytes(random.between(100, 3000))],
    ['global/pg_control', random.bytes(512)],
  ])
}

/** What writes one backup after the other, and starts again after every death. */
async function write(life: Life, process: SimProcess): Promise<void> {
  const { loop, random } = life
  const vault = vaultOf(life, process)
  const clock = new SimClock(loop, process, 1)
  if ((await vault.store.list('')).length === 0)
    await createVault(vault.store, vault.id, { clock, signer: sampleWriter.signer })
  for (;;) {
    const files = filesOf(random)
    const effects = { clock, random: random.fork(`backup ${loop.events}`) }
    const { snapshot } = await backUp(vault, files, effects, { epochMaxAgeMs: random.pick([0, 86_400_000]) })
    life.stored.set(snapshot, files)
    await clock.sleep(random.between(10, 100))
  }
}

function supervise(life: Life, failed: (error: Error) => void): void {
  const { loop, host } = life
  if (!host.isUp || loop.nowUs > faultsUs) {
    if (!host.isUp) loop.after(20_000, () => supervise(life, failed))
    return
  }
  const process = new SimProcess(loop, host, 'writer')
  process.onExit(() => loop.after(20_000, () => supervise(life, failed)))
  write(life, process).catch((error: unknown) => {
    const isExpected = error instanceof RecoveryError && error.code === 'FILE_NOT_REPLACED'
    if (!isExpected) failed(error instanceof Error ? error : new Error(String(error)))
    process.kill()
  })
}

function injectFaults({ loop, random, host }: Life): void {
  const faults = random.fork('faults')
  for (let left = faults.between(2, 6); left > 0; left -= 1) {
    const kind = faults.pick(['kill', 'power', 'power', 'disk'] as const)
    loop.after(faults.between(0, faultsUs), () => {
      if (kind === 'disk')
        host.disk.failAfter(faults.integer(20), faults.between(1, 3), faults.pick(['EIO', 'ENOSPC']))
      else if (kind === 'kill') for (const process of [...host.processes]) process.kill()
      else if (host.isUp) {
        host.crash()
        loop.after(faults.between(5000, 60_000), () => (host.isUp = true))
      }
    })
  }
}

async function live(seed: number): Promise<{ readonly cuts: number; readonly snapshots: number }> {
  const life = born(seed)
  const { loop, host } = life
  let failure: Error | undefined
  supervise(life, (error) => (failure ??= error))
  injectFaults(life)
  // Time goes on although nobody does anything.
  const tick = (): unknown => loop.after(20_000, tick)
  tick()
  const isOver = (): boolean => {
    if (failure !== undefined) throw failure
    return loop.nowUs > faultsUs + 100_000 && host.isUp
  }
  await loop.run(isOver, 30_000_000)
  for (const process of [...host.processes]) process.kill()
  host.disk.heal()
  // Whatever was not synced by now is gone as well.
  host.crash()
  host.isUp = true
  const snapshots = await requireWhole(life)
  return { cuts: host.disk.cuts, snapshots }
}

/** Every listed snapshot is whole, every stored one is listed, and the newest stored one gives its files back. */
async function requireWhole(life: Life): Promise<number> {
  const { loop, host, stored } = life
  const process = new SimProcess(loop, host, 'reader')
  const vault = vaultOf(life, process)
  let isDone = false
  const read = (async () => {
    if (stored.size === 0 && (await vault.store.list('')).length === 0) return 0
    const { snapshots, problems } = await readCatalogue(vault)
    assert.deepEqual(problems, [])
    const listed = new Set<string>(snapshots.map(({ snapshot }) => snapshot))
    for (const id of stored.keys()) assert.ok(listed.has(id), `${id} was stored and is not listed`)
    for (const manifest of snapshots)
      assert.deepEqual((await verifySnapshot(vault, manifest, recoveryKey)).damage, [], 'a listed snapshot')
    const newest = snapshots.findLast(({ snapshot }) => stored.has(snapshot))
    if (newest === undefined) return snapshots.length
    const target = new FailingRestoreDirectory(new FaultPlan())
    await restoreSnapshot(vault, newest, recoveryKey, target)
    for (const [path, content] of stored.get(newest.snapshot) ?? [])
      assert.equal(Buffer.compare(target.files.get(path) ?? Buffer.from('absent'), content), 0, path)
    return snapshots.length
  })()
  read.finally(() => (isDone = true)).catch(() => undefined)
  await loop.run(() => isDone, loop.nowUs + 60_000_000)
  return await read
}

/** Lives these seeds. */
export async function vaultLives(
  first: number,
  count: number,
): Promise<{ readonly cuts: number; readonly snapshots: number }> {
  let [cuts, snapshots] = [0, 0]
  for (let seed = first; seed < first + count; seed += 1) {
    try {
      const lived = await live(seed)
      cuts += lived.cuts
      snapshots += lived.snapshots
    } catch (error) {
      throw new Error(
        `seed ${seed}: ${String(error)}; replay it: POINTZERO_SEED=${seed} npm test -- --only simulation`,
        { cause: error },
      )
    }
  }
  return { cuts, snapshots }
}
