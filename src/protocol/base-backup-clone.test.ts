import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import {
  complete,
  greeting,
  readyForQuery,
  resultSet,
  ScriptedServer,
  serverError,
  tarEnd,
  tarEntry,
  text,
} from '../../test/support/scripted-server.ts'
import type { RestoreTarget } from '../ports/restore-target.ts'
import { cloneBaseBackup } from './base-backup-clone.ts'
import { openPostgresConnection } from './postgres-connection.ts'
import { encodeMessage, joinBytes } from './postgres-message.ts'

const systemIdentifier = '7450123456789012345'
const segmentBytes = 1024 * 1024
const segmentPath = 'pg_wal/000000010000000000000002'

function control(identifier = systemIdentifier): Uint8Array {
  const bytes = new Uint8Array(8192)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(identifier), true)
  return bytes
}

function segment(identifier = systemIdentifier): Uint8Array {
  const bytes = new Uint8Array(segmentBytes)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, 0xd110, true)
  view.setUint32(4, 1, true)
  view.setBigUint64(8, 2n * BigInt(segmentBytes), true)
  view.setBigUint64(24, BigInt(identifier), true)
  view.setUint32(32, segmentBytes, true)
  return bytes
}

type Content = ReadonlyMap<string, Uint8Array>

const healthy = (): Map<string, Uint8Array> =>
  new Map([
    [
      'backup_label',
      text('START WAL LOCATION: 0/200028 (file 000000010000000000000002)\nSTART TIMELINE: 1\n'),
    ],
    ['PG_VERSION', text('15\n')],
    ['base/1/1259', new Uint8Array(20_000).fill(7)],
    ['global/pg_control', control()],
    [segmentPath, segment()],
  ])

function manifestOf(content: Content): Uint8Array {
  const files = [...content]
    .filter(([path]) => !path.startsWith('pg_wal/'))
    .map(([path, bytes]) => {
      const sum = createHash('sha256').update(bytes).digest('hex')
      return `{ "Path": "${path}", "Size": ${bytes.length}, "Checksum-Algorithm": "SHA256", "Checksum": "${sum}" }`
    })
  const body = [
    '{ "PostgreSQL-Backup-Manifest-Version": 2,',
    `"System-Identifier": ${systemIdentifier},`,
    `"Files": [\n${files.join(',\n')}\n],`,
    '"WAL-Ranges": [\n{ "Timeline": 1, "Start-LSN": "0/200028", "End-LSN": "0/200100" }\n],\n',
  ].join('\n')
  return text(`${body}"Manifest-Checksum": "${createHash('sha256').update(body).digest('hex')}"}\n`)
}

const copyData = (type: string, ...parts: readonly Uint8Array[]) => encodeMessage('d', text(type), ...parts)

interface Script {
  readonly sent?: Content
  readonly listed?: Content
  readonly manifest?: Uint8Array
  readonly ending?: Uint8Array
  readonly slot?: Uint8Array
}

const position = (lsn: string) => resultSet(['recptr', 'tli'], [[lsn, '1']])

function script({ sent = healthy(), listed = sent, manifest, ending, slot }: Script): readonly Uint8Array[] {
  const tar = joinBytes([...[...sent].map(([path, content]) => tarEntry({ path, content })), tarEnd()])
  const pieces: Uint8Array[] = []
  for (let offset = 0; offset < tar.length; offset += 32_768) {
    pieces.push(copyData('d', tar.subarray(offset, offset + 32_768)))
  }
  const identity = resultSet(
    ['systemid', 'timeline', 'xlogpos', 'dbname'],
    [[systemIdentifier, '1', '0/200100', null]],
  )
  const created = resultSet(['slot_name', 'consistent_point'], [['pointzero_clone_4711', '0/0']])
  return [
    greeting(),
    joinBytes([identity, complete('IDENTIFY_SYSTEM'), readyForQuery()]),
    slot ?? joinBytes([created, complete('CREATE_REPLICATION_SLOT'), readyForQuery()]),
    joinBytes([position('0/200028'), complete('SELECT')]),
    joinBytes([resultSet(['spcoid', 'spclocation', 'size'], [[null, null, '64']]), complete('SELECT')]),
    joinBytes([encodeMessage('H', new Uint8Array(3)), copyData('n', text('base.tar\0\0'))]),
    ...pieces,
    joinBytes([copyData('m'), copyData('d', manifest ?? manifestOf(listed)), encodeMessage('c')]),
    ending ?? joinBytes([position('0/200100'), complete('SELECT'), readyForQuery()]),
  ]
}

async function slowDisk(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** A target in memory that remembers what happened in which order. */
function memoryTarget() {
  const files = new Map<string, Uint8Array>()
  const log: string[] = []
  let open = 0
  const target: RestoreTarget = {
    name: '/restore/here',
    async claim() {
      log.push('claim')
    },
    async createDirectory(path) {
      log.push(`mkdir ${path}`)
    },
    async createFile(path) {
      assert.ok(!files.has(path))
      files.set(path, new Uint8Array(0))
      open += 1
      return {
        async write(pieces) {
          files.set(path, joinBytes([files.get(path) as Uint8Array, ...pieces]))
        },
        async sync() {
          // The last file of the archive takes longest.
          await slowDisk(path === segmentPath ? 100 : 20)
          log.push(`sync ${path}`)
        },
        async close() {
          open -= 1
        },
      }
    },
    async rename(from, to) {
      log.push(`rename ${from} ${to}`)
      files.set(to, files.get(from) as Uint8Array)
      files.delete(from)
    },
    async syncDirectory(path) {
      log.push(`sync-directory ${path}`)
    },
  }
  return { target, files, log, openFiles: () => open }
}

async function clone(lines: Script, target: RestoreTarget) {
  const server = new ScriptedServer(script(lines))
  const connection = await openPostgresConnection(server, {
    user: 'pointzero',
    applicationName: 'test',
    nonce: () => '',
    replication: 'physical',
    tls: { policy: 'disable' },
  })
  return cloneBaseBackup(connection, target, { label: "it's", checkpoint: 'fast' })
}

test('writes every file as it was sent, and pg_control only after all the rest is durable', async () => {
  const { target, files, log, openFiles } = memoryTarget()
  const result = await clone({}, target)
  assert.equal(result.systemIdentifier, systemIdentifier)
  assert.equal(result.timeline, 1)
  assert.equal(result.startLsn, '0/200028')
  assert.equal(result.endLsn, '0/200100')
  assert.equal(result.walHeldBySlot, true)
  for (const [path, content] of healthy()) assert.deepEqual(files.get(path), content, path)
  assert.deepEqual(files.get('backup_manifest'), manifestOf(healthy()))
  assert.equal(openFiles(), 0)
  assert.deepEqual(log.slice(-3), [
    'sync global/pg_control.partial',
    'rename global/pg_control.partial global/pg_control',
    'sync-directory global',
  ])
  const before = log.slice(0, -3)
  for (const path of ['backup_label', 'PG_VERSION', 'base/1/1259', segmentPath, 'backup_manifest']) {
    assert.ok(before.includes(`sync ${path}`), path)
  }
  for (const path of ['base', 'base/1', 'global', 'pg_wal', ''])
    assert.ok(before.includes(`sync-directory ${path}`), path)
})

const without = (path: string) => new Map([...healthy()].filter(([name]) => name !== path))
const withFile = (path: string, content: Uint8Array) => healthy().set(path, content)

const forged = () =>
  text(new TextDecoder().decode(manifestOf(healthy())).replace('"Timeline": 1', '"Timeline": 2'))

const damaged: readonly (readonly [string, Script, RegExp])[] = [
  [
    'a flipped bit',
    { sent: withFile('PG_VERSION', text('25\n')), listed: healthy() },
    /PG_VERSION has another content/,
  ],
  [
    'a short file',
    { sent: withFile('base/1/1259', new Uint8Array(9)), listed: healthy() },
    /9 bytes instead of 20000/,
  ],
  ['a missing file', { sent: without('base/1/1259'), listed: healthy() }, /base\/1\/1259 is missing/],
  [
    'an extra file',
    { sent: withFile('extra', text('x')), listed: healthy() },
    /extra is not in the manifest/,
  ],
  ['a forged manifest', { manifest: forged() }, /own checksum/],
  ['no backup_label', { sent: without('backup_label') }, /backup_label is missing/],
  [
    'another start',
    { sent: withFile('backup_label', text('START WAL LOCATION: 0/300028 (x)\n')) },
    /another start/,
  ],
  ['no pg_control', { sent: without('global/pg_control') }, /no pg_control/],
  ['a foreign pg_control', { sent: withFile('global/pg_control', control('1')) }, /another database system/],
  ['no WAL', { sent: without(segmentPath) }, /there is none/],
  [
    'the wrong segment',
    { sent: new Map([...without(segmentPath), [segmentPath.replace(/2$/, '3'), segment()]]) },
    /missing/,
  ],
  ['zero-filled WAL', { sent: withFile(segmentPath, new Uint8Array(segmentBytes)) }, /segment size/],
  ['foreign WAL', { sent: withFile(segmentPath, segment('1')) }, /zero-filled, truncated or another/],
  [
    'truncated WAL',
    { sent: withFile(segmentPath, segment().slice(0, 8192)) },
    /zero-filled, truncated or another/,
  ],
  [
    'a checksum failure reported at the end',
    { ending: joinBytes([serverError('XX001'), readyForQuery()]) },
    /XX001/,
  ],
  ['a connection that ends early', { ending: new Uint8Array(1) }, /ended the connection/],
]

for (const [what, lines, message] of damaged) {
  test(`leaves an unusable copy that says so after ${what}`, async () => {
    const { target, files, log, openFiles } = memoryTarget()
    await assert.rejects(
      clone(lines, target),
      (error: { message: string; code: string; class: string; hint: string }) => {
        assert.match(error.message, message)
        assert.match(error.message, /\/restore\/here is an unusable, incomplete copy/)
        assert.match(error.hint, /rm -r \/restore\/here/)
        assert.equal(error.code, 'PG_CLONE_INCOMPLETE')
        assert.equal(error.class, 'permanent')
        return true
      },
    )
    assert.ok(!files.has('global/pg_control'))
    assert.ok(!log.some((line) => line.startsWith('rename')))
    assert.equal(openFiles(), 0)
  })
}

test('goes on without a slot when none is free, and says so', async () => {
  const { target } = memoryTarget()
  const slot = joinBytes([serverError('53400'), readyForQuery()])
  assert.equal((await clone({ slot }, target)).walHeldBySlot, false)
})

for (const unlucky of ['PG_VERSION', segmentPath]) {
  test(`fails when ${unlucky} can not be made durable`, async () => {
    const { target, files, openFiles } = memoryTarget()
    const failing: RestoreTarget = {
      ...target,
      async createFile(path) {
        const file = await target.createFile(path)
        const sync = () => slowDisk().then(() => Promise.reject(new Error('EIO')))
        return path === unlucky ? { ...file, sync } : file
      },
    }
    await assert.rejects(clone({}, failing), { code: 'PG_CLONE_INCOMPLETE', message: /EIO/ })
    assert.ok(!files.has('global/pg_control'))
    assert.equal(openFiles(), 0)
  })
}
