#!/usr/bin/env node
// Restores one snapshot of a Pointzero vault (format 1, docs/reference/vault-format.md) from a directory, without the product.
// Needs Node 22.15 or newer (zstd in node:zlib) and nothing else: no package, no network, no database.
//   node restore.mjs --store /mnt/vault --pin vault.pin.json list
//   node restore.mjs --store /mnt/vault --pin vault.pin.json --key recovery.pem restore <snapshot> <empty directory>
// The pin names the vault and the writers that are believed; pin and key are kept outside of the vault. Written apart from
// src/vault on purpose: it shares the format with it, not a line of code.
import * as crypto from 'node:crypto'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import * as zlib from 'node:zlib'

function fail(message) {
  throw new Error(message)
}
const fed = (hash, parts) => parts.reduce((one, part) => one.update(part), hash).digest()
const sha256 = (...parts) => fed(crypto.createHash('sha256'), parts)
const hmac = (key, ...parts) => fed(crypto.createHmac('sha256', key), parts)
const hex = (text) => Buffer.from(text, 'hex')
const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants

// objects: whole or a range, below one directory
let root = ''

function read(name) {
  const isName = name.split('/').every((part) => /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(part))
  if (!isName) fail(`not a name of an object: ${name}`)
  return fs.readFileSync(join(root, name), { flag: O_NOFOLLOW })
}

function folder(name) {
  try {
    return fs.readdirSync(join(root, name)).toSorted()
  } catch (error) {
    return error.code === 'ENOENT' ? [] : fail(error.message)
  }
}

// signed documents
/** RFC 8785 for what these documents hold: safe integers, strings, booleans, null, lists, objects. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const names = Object.keys(value).toSorted((a, b) => (a < b ? -1 : 1))
  return `{${names.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`
}

function signed(name, format, pin) {
  const text = read(name).toString('utf8')
  const { signature, ...rest } = JSON.parse(text)
  if (canonical({ ...rest, signature }) !== text) fail(`${name}: not canonical JSON`)
  if (rest.format !== format) fail(`${name}: format ${rest.format} is not ${format}`)
  const x = Object.hasOwn(pin.writers, rest.signer) && pin.writers[rest.signer]
  if (!x) fail(`${name}: signed by ${rest.signer}, who is not pinned`)
  const key = crypto.createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  const isGenuine = crypto.verify(
    null,
    Buffer.from(canonical(rest)),
    key,
    Buffer.from(signature, 'base64url'),
  )
  if (!isGenuine) fail(`${name}: the signature does not match`)
  if (rest.vault !== pin.vault) fail(`${name}: it belongs to vault ${rest.vault}`)
  return rest
}

/** Every genuine manifest; others are named and left out. */
function manifests(pin) {
  signed('vault.json', 'pointzero/vault/1', pin)
  const names = folder('e').flatMap((epoch) => folder(`e/${epoch}/s`).map((one) => `e/${epoch}/s/${one}`))
  return names.flatMap((name) => {
    if (!name.endsWith('.manifest')) return []
    try {
      const manifest = signed(name, 'pointzero/vault-manifest/1', pin)
      if (name !== `e/${manifest.epoch}/s/${manifest.snapshot}.manifest`) fail(`${name}: it was moved`)
      if (manifest.critical.length > 0) fail(`${name}: this reader does not know ${manifest.critical}`)
      return [manifest]
    } catch (error) {
      console.error(`left out: ${error.message}`)
      return []
    }
  })
}

// keys: HPKE (RFC 9180), base mode, X25519 / HKDF-SHA256 / AES-256-GCM
const [none, kem, suite] = ['', '4b454d0020', '48504b45002000010002'].map(hex)
const extract = (salt, label, input, id) => hmac(salt, 'HPKE-v1', id, label, input)
const expand = (key, label, info, length, id) =>
  hmac(key, Buffer.of(0, length), 'HPKE-v1', id, label, info, Buffer.of(1)).subarray(0, length)
const rawPublic = (key) => crypto.createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(12)

function unwrap(privateKey, encapsulated, ciphertext, info) {
  const der = Buffer.concat([hex('302a300506032b656e032100'), encapsulated])
  const publicKey = crypto.createPublicKey({ key: der, format: 'der', type: 'spki' })
  const agreed = extract(none, 'eae_prk', crypto.diffieHellman({ privateKey, publicKey }), kem)
  const context = Buffer.concat([encapsulated, rawPublic(privateKey)])
  const shared = expand(agreed, 'shared_secret', context, 32, kem)
  const hashes = [extract(none, 'psk_id_hash', none, suite), extract(none, 'info_hash', info, suite)]
  const schedule = Buffer.concat([Buffer.of(0), ...hashes])
  const secret = extract(shared, 'secret', none, suite)
  const key = expand(secret, 'key', schedule, 32, suite)
  return decrypt(key, expand(secret, 'base_nonce', schedule, 12, suite), none, ciphertext)
}

function decrypt(key, nonce, associated, sealed) {
  const decipher = crypto.createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
  decipher.setAAD(associated)
  decipher.setAuthTag(sealed.subarray(-16))
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()])
}

// packs
class Packs {
  constructor(manifest, privateKey, pin) {
    Object.assign(this, { manifest, privateKey, pin, open: new Map() })
    this.recipient = sha256('pointzero/vault-recipient/1\n', rawPublic(privateKey)).subarray(0, 16)
    const name = `e/${manifest.epoch}/s/${manifest.snapshot}.packs`
    this.list = read(name)
    if (sha256(this.list).toString('hex') !== manifest.packs.sha256) fail(`${name}: not what was signed`)
    if (this.list.toString('latin1', 0, 8) !== 'PZLIST\0\x01') fail(`${name}: unknown version`)
  }

  pack(number) {
    if (this.open.has(number)) return this.open.get(number)
    const record = this.list.subarray(8 + number * 64, 72 + number * 64)
    const pack = record.toString('hex', 0, 16)
    const [headerBytes, indexBytes] = [record.readUInt32BE(24), record.readUInt32BE(28)]
    const name = `e/${this.manifest.epoch}/p/${pack}.pack`
    const bytes = read(name)
    const [header, index] = [bytes.subarray(0, headerBytes), bytes.subarray(bytes.length - indexBytes)]
    const isWhole = BigInt(bytes.length) === record.readBigUInt64BE(16)
    if (!isWhole || !sha256(header, index).equals(record.subarray(32))) fail(`${name}: not what was signed`)
    if (header.readUInt16BE(28) !== 1) fail(`${name}: unknown algorithms`)
    const chunks = []
    for (let at = 0, offset = headerBytes; at < indexBytes - 16; at += 80) {
      const [stored, content] = [index.readUInt32BE(at + 64), index.readUInt32BE(at + 68)]
      if (content > 1048576) fail(`${name}: a chunk claims ${content} bytes`)
      chunks.push({ id: index.subarray(at, at + 32), offset, stored, content, codec: index[at + 72] })
      offset += stored
    }
    if (this.open.size >= 4) this.open.delete(this.open.keys().next().value)
    this.open.set(number, { name, pack, bytes, chunks, ...this.keysOf(name, pack, header) })
    return this.open.get(number)
  }

  /** Wrapped in the pack itself, or, for a recipient that was added later, in a file of its own. */
  keysOf(name, pack, header) {
    const { vault, epoch } = this.manifest
    const at = 34 + header[32] + header[33 + header[32]]
    const count = header.readUInt16BE(30)
    const wraps = Array.from({ length: count }, (_, one) =>
      header.subarray(at + one * 128, at + one * 128 + 128),
    )
    const own = wraps.filter((wrap) => wrap.subarray(0, 16).equals(this.recipient))
    const wrap = own[0]?.subarray(16) ?? this.added(pack) ?? fail(`${name}: not for this recovery key`)
    const info = Buffer.concat([Buffer.from(`pointzero/vault-pack-key/1\n${vault}\n${epoch}\n`), hex(pack)])
    const keys = unwrap(this.privateKey, wrap.subarray(0, 32), wrap.subarray(32), info)
    return { dataKey: keys.subarray(0, 32), idKey: keys.subarray(32) }
  }

  added(pack) {
    const { epoch } = this.manifest
    for (const one of folder(`e/${epoch}/k`)) {
      const document = signed(`e/${epoch}/k/${one}`, 'pointzero/vault-keys/1', this.pin)
      const isOwn = document.epoch === epoch && document.recipient === this.recipient.toString('base64url')
      const found = isOwn && document.packs.find(([id]) => id === pack)
      if (found) return Buffer.concat(found.slice(1).map((text) => Buffer.from(text, 'base64url')))
    }
    return undefined
  }

  /** The content of one chunk, after its tag, id and length were compared. */
  chunk(number, ordinal) {
    const { name, pack, bytes, chunks, dataKey, idKey } = this.pack(number)
    const { id, offset, stored, content, codec } = chunks[ordinal] ?? fail(`${name}: no chunk ${ordinal}`)
    const { vault, epoch } = this.manifest
    const numbers = Buffer.alloc(9)
    numbers.writeUInt32BE(ordinal, 0)
    numbers.writeUInt8(codec, 4)
    numbers.writeUInt32BE(content, 5)
    const place = Buffer.from(`pointzero/vault-chunk/1\n${vault}\n${epoch}\n`)
    const associated = Buffer.concat([place, hex(pack), numbers, id])
    const nonce = Buffer.concat([Buffer.alloc(8), numbers.subarray(0, 4)])
    try {
      const packed = decrypt(dataKey, nonce, associated, bytes.subarray(offset, offset + stored))
      if (!hmac(idKey, Buffer.of(codec), packed).equals(id)) fail('another id')
      if (codec > 1) fail(`codec ${codec}`)
      const limits = { maxOutputLength: content, params: { [zlib.constants.ZSTD_d_windowLogMax]: 20 } }
      const plain = codec === 0 ? packed : zlib.zstdDecompressSync(packed, limits)
      return plain.length === content ? plain : fail('another length')
    } catch (error) {
      return fail(`${name}: chunk ${ordinal} is not what was written (${error.message})`)
    }
  }

  stream({ bytes, chunks }) {
    const content = Buffer.concat(chunks.map(([pack, ordinal]) => this.chunk(pack, ordinal)))
    return content.length === bytes ? content : fail('a stream has another length')
  }

  *content({ extents }) {
    for (const [, length, pack, first, firstSkip] of extents) {
      let skip = firstSkip
      for (let ordinal = first, left = length; left > 0; ordinal++) {
        const piece = this.chunk(pack, ordinal).subarray(skip, skip + left)
        yield piece
        left -= piece.length || fail('an extent leads nowhere')
        skip = 0
      }
    }
  }
}

// restore
/** Returns the SHA-256 of what was written. */
function write(path, pieces) {
  const hash = crypto.createHash('sha256')
  const descriptor = fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  for (const piece of pieces) {
    hash.update(piece)
    fs.writeFileSync(descriptor, piece)
  }
  fs.fsyncSync(descriptor)
  fs.closeSync(descriptor)
  return hash.digest('hex')
}

function syncFolder(path) {
  const descriptor = fs.openSync(path, 'r')
  fs.fsyncSync(descriptor)
  fs.closeSync(descriptor)
}

/** Into an empty directory only; every file against the SHA-256 of PostgreSQL's own backup_manifest; pg_control last. */
function restore(packs, target) {
  fs.mkdirSync(target, { recursive: true, mode: 0o700 })
  if (fs.readdirSync(target).length > 0) fail(`${target} is not empty: nothing is restored over it`)
  fs.chmodSync(target, 0o700)
  const { totals, streams, snapshot } = packs.manifest
  const { bavail, bsize } = fs.statfsSync(target)
  if (bavail * bsize < totals.bytes + totals.files * 4096) fail(`${target} is too small for ${snapshot}`)
  const mark = join(target, 'RESTORE_INCOMPLETE')
  write(mark, [Buffer.from(`A restore of ${snapshot} has not finished here: unusable.\n`)])
  const backupManifest = packs.stream(streams.backupManifest)
  const pathOf = (one) => one.Path ?? hex(one['Encoded-Path']).toString()
  const listed = new Map(JSON.parse(backupManifest).Files.map((one) => [pathOf(one), one]))
  const folders = [target]
  const table = packs.stream(streams.files).toString('utf8').split('\n').slice(0, -1)
  for (const entry of table.map((line) => JSON.parse(line))) {
    const parts = entry.path.split('/')
    const isInside = parts.every((one) => one !== '' && one !== '.' && one !== '..' && !one.includes('\0'))
    if (!isInside) fail(`${JSON.stringify(entry.path)} leads elsewhere`)
    const path = join(target, entry.path)
    if (entry.kind === 'directory') {
      fs.mkdirSync(path, { mode: 0o700 })
      folders.push(path)
      continue
    }
    const known = listed.get(entry.path)
    listed.delete(entry.path)
    const isSame = known?.Checksum === entry.sha256 && known?.Size === entry.bytes
    if (!isSame && (known || parts[0] !== 'pg_wal')) fail(`${entry.path} is not what backup_manifest says`)
    const name = entry.path === 'global/pg_control' ? `${path}.partial` : path
    if (write(name, packs.content(entry)) !== entry.sha256) fail(`${entry.path}: another SHA-256`)
  }
  for (const path of listed.keys()) fail(`${path} is in backup_manifest only`)
  write(join(target, 'backup_manifest'), [backupManifest])
  for (const path of folders.toReversed()) syncFolder(path)
  fs.unlinkSync(mark)
  syncFolder(target)
  fs.renameSync(join(target, 'global/pg_control.partial'), join(target, 'global/pg_control'))
  syncFolder(join(target, 'global'))
}

function main() {
  if (!zlib.zstdDecompressSync) fail(`this is Node ${process.version}; 22.15 or newer is needed for zstd`)
  const text = { type: 'string' }
  const options = { store: text, pin: text, key: text }
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const [command, wanted, target] = positionals
  const isRestore = command === 'restore' && target && values.key
  if (!values.store || !values.pin || (command !== 'list' && !isRestore)) fail('see the head of this file')
  root = values.store
  const pin = JSON.parse(fs.readFileSync(values.pin, 'utf8'))
  if (pin.format !== 'pointzero/vault-pin/1') fail(`${values.pin}: format ${pin.format} is unknown`)
  const known = manifests(pin)
  if (!isRestore) return known.forEach(({ snapshot, source }) => console.log(snapshot, source.component))
  const manifest = known.find(({ snapshot }) => snapshot === wanted)
  if (!manifest) fail(`there is no genuine snapshot ${wanted}`)
  restore(new Packs(manifest, crypto.createPrivateKey(fs.readFileSync(values.key)), pin), target)
  console.log(`${manifest.snapshot} restored into ${target} and compared: ${manifest.totals.bytes} bytes`)
}

try {
  main()
} catch (error) {
  console.error(`restore.mjs: ${error.message}`)
  process.exitCode = 1
}
