import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { tarEnd, tarEntry, text } from '../../test/support/scripted-server.ts'
import { joinBytes } from './postgres-message.ts'
import { containedPath, TarReader } from './tar-reader.ts'

/** What a reader makes of the archive when it comes in chunks of `size` bytes. */
function read(bytes: Uint8Array, size = 700, allowTablespaceLinks = false): readonly string[] {
  const reader = new TarReader({ allowTablespaceLinks })
  const seen: string[] = []
  let content = 0
  for (let offset = 0; offset < bytes.length; offset += size) {
    const chunk = bytes.slice(offset, offset + size)
    for (const event of reader.push(chunk)) {
      if (event.kind === 'data') content += event.bytes.length
      else if (event.kind === 'file-end') {
        seen.push(`${content} bytes`)
        content = 0
      } else if (event.kind === 'symlink') seen.push(`symlink ${event.path} -> ${event.target}`)
      else seen.push(`${event.kind} ${event.path}`)
    }
    // It belongs to whoever pushed it again.
    chunk.fill(0xee)
  }
  reader.finish()
  return seen
}

const archive = (...entries: readonly Uint8Array[]) => joinBytes([...entries, tarEnd()])
const refused = { code: 'TAR_REFUSED', class: 'permanent' }
/** `length key=value`, where the length counts its own digits. */
function pax(key: string, value: string): Uint8Array {
  const rest = ` ${key}=${value}\n`
  let length = rest.length + 1
  while (`${length}`.length + rest.length !== length) length += 1
  return tarEntry({ path: 'pax', type: 'x', content: text(`${length}${rest}`) })
}

const file = (path: string, content = 'x') => tarEntry({ path, content: text(content) })

test('reads the same entries and bytes wherever the stream is cut', () => {
  const entry = fc.record({ content: fc.uint8Array({ maxLength: 1500 }), directory: fc.boolean() })
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 8 }), fc.integer({ min: 1, max: 1200 }), (entries, size) => {
      const bytes = archive(
        ...entries.map(({ content, directory }, index) =>
          directory
            ? tarEntry({ path: `d${index}/`, type: '5' })
            : tarEntry({ path: `d/f${index}`, content }),
        ),
      )
      const reader = new TarReader({ allowTablespaceLinks: false })
      const contents = new Map<string, number[]>()
      let path = ''
      for (let offset = 0; offset < bytes.length; offset += size) {
        const chunk = bytes.slice(offset, offset + size)
        for (const event of reader.push(chunk)) {
          if (event.kind === 'file') contents.set((path = event.path), [])
          if (event.kind === 'data') contents.get(path)?.push(...event.bytes)
        }
        chunk.fill(0xee)
      }
      reader.finish()
      const expected = entries.flatMap(({ content, directory }, index) =>
        directory ? [] : [[`d/f${index}`, [...content]] as const],
      )
      assert.deepEqual([...contents], expected)
    }),
    { numRuns: 60 },
  )
})

test('refuses names that lead outside', () => {
  const names = ['/etc/passwd', '../up', 'a/../../up', '..', 'a/..', './../x', 'a/b/../c', '//x']
  for (const path of names) {
    for (const type of ['0', '5']) {
      assert.throws(() => read(archive(tarEntry({ path, type }))), refused, `${type} ${path}`)
    }
    assert.throws(() => read(archive(pax('path', path), file('harmless'))), refused)
    const gnu = tarEntry({ path: '././@LongLink', type: 'L', content: text(`${path}\0`) })
    assert.throws(() => read(archive(gnu, file('harmless'))), refused)
  }
  assert.throws(() => read(archive(tarEntry({ path: 'passwd', prefix: '/etc' }))), refused)
  const zero = tarEntry({ path: '././@LongLink', type: 'L', content: text('a\0/../b\0') })
  assert.throws(() => read(archive(zero, file('harmless'))), refused)
  assert.throws(() => read(archive(tarEntry({ path: '' }))), refused)
})

test('a contained path never holds a part that leaves', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', '.', '..', '', '/', '\0', 'b c'), { maxLength: 8 }),
      (parts) => {
        let path: string
        try {
          path = containedPath(parts.join('/'))
        } catch {
          return
        }
        assert.ok(!path.startsWith('/') && !path.includes('\0'))
        assert.ok(path === '' || path.split('/').every((part) => !['', '.', '..'].includes(part)))
      },
    ),
  )
})

test('refuses hard links, devices, sparse files and every other kind', () => {
  for (const type of ['1', '3', '4', '6', '7', 'S', 'V', 'Z']) {
    assert.throws(
      () => read(archive(tarEntry({ path: 'entry', type, linkTarget: 'PG_VERSION' }))),
      refused,
      type,
    )
  }
  assert.throws(() => read(archive(pax('GNU.sparse.major', '1'), file('f'))), { message: /sparse/ })
})

test('takes symbolic links only below pg_tblspc, only when told so, and never writes through one', () => {
  const link = tarEntry({ path: 'pg_tblspc/16384', type: '2', linkTarget: '/mnt/fast' })
  assert.deepEqual(read(archive(link), 700, true), ['symlink pg_tblspc/16384 -> /mnt/fast'])
  assert.throws(() => read(archive(link)), refused)
  for (const path of ['base', 'pg_tblspc/x', 'pg_tblspc/1/2', 'pg_tblspc']) {
    assert.throws(() => read(archive(tarEntry({ path, type: '2', linkTarget: '/mnt' })), 700, true), refused)
  }
  assert.throws(() => read(archive(link, file('pg_tblspc/16384/escaped')), 700, true), refused)
  assert.throws(() => read(archive(link, file('pg_tblspc/16384')), 700, true), refused)
})

test('refuses a name that comes twice or lies below a file', () => {
  assert.throws(() => read(archive(file('a'), file('./a'))), refused)
  assert.throws(() => read(archive(file('a'), file('a/b'))), refused)
  assert.throws(() => read(archive(file('a/b'), file('a'))), refused)
  assert.throws(() => read(archive(tarEntry({ path: 'a', type: '5' }), file('a'))), refused)
})

test('refuses an archive that is cut at any place', () => {
  const whole = archive(tarEntry({ path: 'd/', type: '5' }), file('d/f', 'content'), file('g'))
  assert.deepEqual(read(whole), ['directory d', 'file d/f', '7 bytes', 'file g', '1 bytes'])
  for (let length = 0; length < whole.length; length += 64) {
    assert.throws(() => read(whole.subarray(0, length)), refused, `cut at ${length}`)
  }
  assert.throws(() => read(joinBytes([whole, file('after the end')])), refused)
})

test('refuses a damaged header and sizes that are no sizes', () => {
  const damaged = archive(file('PG_VERSION'))
  damaged[3] = 0x58
  assert.throws(() => read(damaged), refused)
  for (const sizeField of ['0000000x001\0', '-0000000001\0', '99999999999\0', '00000000 01\0']) {
    assert.throws(
      () => read(archive(tarEntry({ path: 'f', sizeField: text(sizeField) }))),
      refused,
      sizeField,
    )
  }
  const huge = new Uint8Array(12).fill(0xff)
  assert.throws(() => read(archive(tarEntry({ path: 'f', sizeField: huge }))), refused)
  const directory = tarEntry({ path: 'd', type: '5', sizeField: text('00000000001\0') })
  assert.throws(() => read(archive(directory)), refused)
})

test('reads long names in all three forms, and sizes from 8 GiB on', () => {
  const long = `base/${'n'.repeat(120)}`
  const gnu = tarEntry({ path: '././@LongLink', type: 'L', content: text(`${long}\0`) })
  assert.deepEqual(read(archive(gnu, file('cut'))), [`file ${long}`, '1 bytes'])
  assert.deepEqual(read(archive(pax('path', long), file('cut'), file('next'))), [
    `file ${long}`,
    '1 bytes',
    'file next',
    '1 bytes',
  ])
  assert.deepEqual(read(archive(tarEntry({ path: 'f', prefix: 'base/1' }))), ['file base/1/f', '0 bytes'])
  const tooLong = tarEntry({
    path: '././@LongLink',
    type: 'L',
    content: new Uint8Array(65 * 1024).fill(0x61),
  })
  assert.throws(() => read(archive(tooLong, file('f'))), refused)

  const size = new Uint8Array(12)
  size[0] = 0x80
  new DataView(size.buffer).setBigUint64(4, 9n * 1024n ** 3n)
  const [event] = new TarReader({ allowTablespaceLinks: false }).push(
    tarEntry({ path: 'big', sizeField: size }),
  )
  assert.deepEqual(event, { kind: 'file', path: 'big', sizeBytes: 9 * 1024 ** 3, mode: 0o600 })
})
