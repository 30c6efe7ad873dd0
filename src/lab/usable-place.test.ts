import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { labPorts } from './lab-ports.ts'
import { requireFreePorts, requireReachable } from './usable-place.ts'

it('refuses a folder below one that the server’s user may not enter, and names that one', () => {
  const closed = mkdtempSync(join(tmpdir(), 'pointzero-place-'))
  const inside = join(closed, 'lab')
  mkdirSync(inside)
  const stranger = { uid: 60_001, gid: 60_001 }
  try {
    assert.throws(() => requireReachable(inside, stranger), {
      code: 'LAB_DIRECTORY_CLOSED',
      message: new RegExp(`^${closed} `),
    })
    requireReachable(inside, undefined)
    const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
    requireReachable(inside, owner)
    chmodSync(closed, 0o711)
    requireReachable(inside, stranger)
  } finally {
    rmSync(closed, { recursive: true })
  }
})

it('refuses an address where one of the lab’s ports is taken', async () => {
  const address = '127.91.17.3'
  await requireFreePorts(address)
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(labPorts.controlPlane, address, resolve))
  try {
    await assert.rejects(requireFreePorts(address), { code: 'LAB_PORT_TAKEN' })
  } finally {
    server.close()
  }
})
