import assert from 'node:assert/strict'
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { confirmInto } from '../../src/cli/copies/confirm-into.ts'
import { snapshotsOf } from '../../src/cli/copies/copies-finding.ts'
import { vaultOf } from '../../src/cli/vault-access.ts'
import { formats } from '../../src/domain/format.ts'
import { parseLsn } from '../../src/domain/lsn.ts'
import { FileObjectStore } from '../../src/drivers/file/file-object-store.ts'
import { clusterNamed } from '../../src/estate/estate-lookup.ts'
import { Ed25519Signer, generateSigningKey } from '../../src/platform/ed25519-signer.ts'
import type { RestoredSnapshot } from '../../src/ports/kept-copies.ts'
import { simulatedEstate } from '../../src/simulation/simulated-estate.ts'
import { readCatalogue } from '../../src/vault/catalogue.ts'
import { recipientOf } from '../../src/vault/recipient.ts'
import { storeSnapshot } from '../../src/vault/store-snapshot.ts'
import { createVault } from '../../src/vault/vault-descriptor.ts'
import { copyOf, recoveryPair, sampleFiles, seededEffects } from '../support/sample-vault.ts'

const estate = simulatedEstate()
const cluster = clusterNamed(estate, undefined)
const of = { estate: estate.id, component: cluster.id }

async function withVault(use: (place: Awaited<ReturnType<typeof vaultIn>>) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'pz-receipt-'))
  try {
    await use(await vaultIn(root))
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

/** A vault with one snapshot, and the files of the host that keeps it. */
async function vaultIn(root: string) {
  const signing = generateSigningKey()
  const principal = 'prn_vaultwriter'
  const signer = new Ed25519Signer(principal, signing.privateKeyPem)
  const storeDirectory = join(root, 'vault')
  await mkdir(storeDirectory)
  const recipients = [recoveryPair.publicKey]
  const pin = { vault: 'vlt_sample01' as const, writers: { [principal]: signing.publicKey }, recipients }
  const chunkIdSecret = Buffer.from(new Uint8Array(32).fill(5)).toString('base64url')
  const own = {
    ...pin,
    format: formats.vaultWriter,
    principal,
    signingKey: signing.privateKeyPem,
    chunkIdSecret,
  }
  const writerFile = join(root, 'writer.json')
  await writeFile(writerFile, JSON.stringify(own), { mode: 0o600 })
  const vault = vaultOf(new FileObjectStore(storeDirectory), pin)
  const effects = seededEffects('receipt')
  await createVault(vault.store, vault.id, { clock: effects.clock, signer })
  const writer = {
    signer,
    chunkIdSecret: new Uint8Array(32).fill(5),
    recipients: recipients.map(recipientOf),
  }
  const options = { source: of, epochMaxAgeMs: 86_400_000 }
  await storeSnapshot(vault, writer, options, effects, copyOf(sampleFiles()))
  const config = { component: cluster.id, storeDirectory, pinFile: join(root, 'pin'), writerFile }
  const [manifest] = (await readCatalogue(vault)).snapshots
  assert.ok(manifest !== undefined)
  return { vault, config, manifest, work: { estate, cluster, world: effects } }
}

function restored(snapshot: string, manifest: string): RestoredSnapshot {
  const figures = { files: 9, bytes: 90, walSegments: 2, relations: 3, pages: 30, indexesCompared: 4 }
  const place = { run: 'run_one', member: 'p2', timeline: 2, lsn: parseLsn('0/7000028') }
  return { snapshot, manifest, ...place, ...figures, invariants: 1, unchecked: 2, contained: true }
}

test('a receipt of a restore is signed, believed, and says which run reached what', async () => {
  await withVault(async ({ vault, config, manifest, work }) => {
    const { snapshot, digest, ...rest } = manifest
    const { snapshot: _, manifest: __, ...signed } = restored(snapshot, digest)
    await confirmInto(config, restored(snapshot, digest), work as never)
    const catalogue = await readCatalogue(vault)
    assert.deepEqual(catalogue.problems, [])
    const [receipt] = catalogue.receipts
    assert.deepEqual(receipt?.restored, signed)
    assert.equal(receipt?.epoch, rest.epoch)
    const [kept] = snapshotsOf(catalogue, of)
    assert.deepEqual(kept?.verified, ['restored'])
    assert.deepEqual(
      kept?.restorations.map(({ run, lsn }) => ({ run, lsn })),
      [{ run: 'run_one', lsn: '0/7000028' }],
    )
  })
})

test('none is written for a snapshot that the vault has not, or has otherwise; and none without the writer', async () => {
  await withVault(async ({ vault, config, manifest, work }) => {
    const { snapshot, digest } = manifest
    const confirm = async (one: RestoredSnapshot, to = config) => await confirmInto(to, one, work as never)
    await assert.rejects(confirm(restored(snapshot, 'f'.repeat(64))), { code: 'VAULT_RECEIPT_FOREIGN' })
    await assert.rejects(confirm(restored('20260101T000000Z-aaaaaaaa', digest)), {
      code: 'VAULT_RECEIPT_FOREIGN',
    })
    const { writerFile: _, ...reader } = config
    await assert.rejects(confirmInto(reader, restored(snapshot, digest), work as never), {
      code: 'BACKUP_NO_WRITER',
    })
    assert.deepEqual((await readCatalogue(vault)).receipts, [])
  })
})
