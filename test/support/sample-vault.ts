import { createCipheriv, createHash } from 'node:crypto'
import type { RestoreTarget } from '../../src/ports/restore-target.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'
import { Ed25519Signer, Ed25519Verifier, generateSigningKey } from '../../src/platform/ed25519-signer.ts'
import { makeRecoveryKey, parseRecoveryKey, recipientOf } from '../../src/vault/recipient.ts'
import { storeSnapshot } from '../../src/vault/store-snapshot.ts'
import type { Copied, Snapshot, VaultEffects, Writer } from '../../src/vault/store-snapshot.ts'
import { createVault } from '../../src/vault/vault-descriptor.ts'
import type { Vault, WritableVault } from '../../src/vault/vault-descriptor.ts'

export type Files = ReadonlyMap<string, Uint8Array>

const signing = generateSigningKey()
export const writerId = 'prn_vaultwriter'

/** Chance that is the same every time: AES in counter mode. */
export function seededEffects(seed = 'sample', startMs = 1_795_000_000_000): VaultEffects & { atMs: number } {
  const key = createHash('sha256').update(seed).digest()
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  const bytes = (length: number): Uint8Array => new Uint8Array(stream.update(Buffer.alloc(length)))
  const idBody = (length: number) =>
    [...bytes(length)].map((byte) => 'abcdefghijklmnopqrstuvwxyz012345'[byte % 32]).join('')
  const effects = {
    atMs: startMs,
    random: { bytes, idBody, integer: (bound: number) => (bytes(1)[0] as number) % bound },
    clock: {
      now: () => (effects.atMs += 1000),
      monotonicMs: () => effects.atMs,
      sleep: () => Promise.resolve(),
    },
  }
  return effects
}

export const recoveryPair = makeRecoveryKey(seededEffects('recovery').random)
export const recoveryKey = parseRecoveryKey(recoveryPair.privateKeyPem)
export const otherPair = makeRecoveryKey(seededEffects('other').random)
export const otherKey = parseRecoveryKey(otherPair.privateKeyPem)

export const sampleWriter: Writer = {
  signer: new Ed25519Signer(writerId, signing.privateKeyPem),
  chunkIdSecret: new Uint8Array(32).fill(5),
  recipients: [recipientOf(recoveryPair.publicKey)],
}

export const writerKeys = new Map([[writerId, signing.publicKey]])

export async function sampleVault(
  store: ObjectStore,
  id: Vault['id'] = 'vlt_sample01',
): Promise<WritableVault> {
  const vault: WritableVault = { id, store, trust: { writers: writerKeys, verifier: new Ed25519Verifier() } }
  await createVault(store, id, { clock: seededEffects().clock, signer: sampleWriter.signer })
  return vault
}

/** What a base backup of these files looks like to the target that takes it. */
export function copyOf(files: Files): (target: RestoreTarget) => Promise<Copied> {
  return async (target) => {
    await target.claim()
    const folders = new Set<string>()
    for (const path of files.keys()) {
      for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
        const folder = path.slice(0, slash)
        if (!folders.has(folder)) await target.createDirectory(folder)
        folders.add(folder)
      }
    }
    const write = async (path: string, content: Uint8Array) => {
      const file = await target.createFile(path)
      for (let at = 0; at < content.length; at += 32_768)
        await file.write([content.subarray(at, at + 32_768)])
      await file.sync()
      await file.close()
    }
    for (const [path, content] of files) if (path !== 'global/pg_control') await write(path, content)
    await write('backup_manifest', backupManifestOf(files))
    await write('global/pg_control.partial', files.get('global/pg_control') ?? new Uint8Array(0))
    await target.rename('global/pg_control.partial', 'global/pg_control')
    return { bytes: [...files.values()].reduce((total, { length }) => total + length, 0), postgres }
  }
}

const postgres: Copied['postgres'] = {
  systemIdentifier: '7450123456789012345',
  version: '15.18',
  timeline: 1,
  startLsn: '0/2000028',
  endLsn: '0/2000100',
  walIncluded: true,
  tablespaces: [],
}

export function backupManifestOf(files: Files): Uint8Array {
  const entries = [...files]
    .filter(([path]) => !path.startsWith('pg_wal/'))
    .map(
      ([path, content]) =>
        `{ "Encoded-Path": "${Buffer.from(path).toString('hex')}", "Size": ${content.length}, "Last-Modified": ` +
        `"2026-11-21 22:00:00 GMT", "Checksum-Algorithm": "SHA256", "Checksum": "${sha256(content)}" }`,
    )
  const head = `{ "PostgreSQL-Backup-Manifest-Version": 1,\n"Files": [\n${entries.join(',\n')}\n],\n`
  const ranges = '"WAL-Ranges": [\n{ "Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "0/2000100" }\n],\n'
  return Buffer.from(`${head}${ranges}"Manifest-Checksum": "${sha256(Buffer.from(head + ranges))}"}\n`)
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** A few files of every kind: empty, small, several chunks, not compressible, twice the same, odd names. */
export function sampleFiles(seed = 'files'): Map<string, Uint8Array> {
  const { random } = seededEffects(seed)
  const repeated = new Uint8Array(2 * 1024 * 1024 + 12_345).map((_, index) => (index >> 9) & 0xff)
  return new Map<string, Uint8Array>([
    ['PG_VERSION', Buffer.from('15\n')],
    ['backup_label', Buffer.from('START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\n')],
    ['base/5/1259', repeated],
    ['base/5/2619', random.bytes(70_000)],
    ['base/5/2619_fsm', new Uint8Array(0)],
    ['base/5/the same again', repeated.slice()],
    ['base/5/naïve "name"\n🙂', Buffer.from(seed)],
    ['global/pg_control', random.bytes(8192)],
    ['pg_wal/000000010000000000000002', random.bytes(40_000)],
    ['pg_wal/archive_status/x', new Uint8Array(0)],
  ])
}

export async function backUp(
  vault: WritableVault,
  files: Files,
  effects: VaultEffects = seededEffects(),
  more: { readonly epochMaxAgeMs?: number; readonly component?: string; readonly writer?: Writer } = {},
): Promise<Snapshot> {
  const options = {
    source: { estate: null, component: more.component ?? 'cmp_orders01' },
    epochMaxAgeMs: more.epochMaxAgeMs ?? 7 * 86_400_000,
  }
  return storeSnapshot(vault, more.writer ?? sampleWriter, options, effects, copyOf(files))
}
