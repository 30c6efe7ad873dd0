import { open } from 'node:fs/promises'

/** What a server wrote last before it ended: the last lines of at most 800 bytes, on one line. */
export async function endOfLog(path: string): Promise<string> {
  const file = await open(path).catch(() => undefined)
  if (file === undefined) return 'no log file'
  try {
    const { size } = await file.stat()
    const { buffer, bytesRead } = await file.read(Buffer.alloc(800), 0, 800, Math.max(0, size - 800))
    return buffer.subarray(0, bytesRead).toString('utf8').trim().split('\n').slice(-4).join(' | ')
  } finally {
    await file.close()
  }
}
