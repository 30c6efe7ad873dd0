import { readJson } from './read-json.ts'
import { usageError } from './usage-error.ts'

const keyForm = /^(prn_[a-z0-9]+)=([A-Za-z0-9_-]{43})$/

/** Whose signatures the caller believes: from `--key` and from a file of the caller's, never from what is verified. */
export async function pinnedKeys(
  args: readonly string[],
  file: string | undefined,
): Promise<ReadonlyMap<string, string>> {
  const keys = new Map<string, string>(file === undefined ? [] : await keysOfFile(file))
  for (const arg of args) {
    const [, id, key] = keyForm.exec(arg) ?? []
    if (id === undefined || key === undefined) {
      throw usageError(
        `--key ${arg.slice(0, 60)} is not prn_x=<32 bytes in base64url>`,
        'copy it from a context file',
      )
    }
    keys.set(id, key)
  }
  if (keys.size > 0) return keys
  throw usageError(
    'no key was given, and a bundle can not vouch for itself',
    'add --key prn_x=<key> or --keys FILE',
  )
}

async function keysOfFile(file: string): Promise<readonly (readonly [string, string])[]> {
  const found = (await readJson(file)) as Record<string, unknown> | null
  const principals = found?.['principals'] ?? found?.['pinned']
  const pairs = Array.isArray(principals)
    ? principals.map(({ id, publicKey }: { readonly id?: unknown; readonly publicKey?: unknown }) => [
        id,
        publicKey,
      ])
    : Object.entries(found ?? {})
  return pairs.map(([id, key]) => {
    if (typeof id === 'string' && typeof key === 'string' && keyForm.test(`${id}=${key}`))
      return [id, key] as const
    throw usageError(
      `${file}: ${String(id)} has no key of 32 bytes in base64url`,
      'name a context file or {"prn_x": "<key>"}',
    )
  })
}
