import { readBytes } from './read-json.ts'
import { usageError } from './usage-error.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** `env:NAME` or `file:/absolute/path`. The value goes to a driver and nowhere else: never into a log, an error or the evidence. */
export async function secretOf(reference: string, environment: Environment): Promise<string> {
  const [, kind, name] = /^(env|file):(.+)$/.exec(reference) ?? []
  if (kind === 'file' && name?.startsWith('/'))
    return new TextDecoder().decode(await readBytes(name)).trimEnd()
  const value = kind === 'env' ? environment[name ?? ''] : undefined
  if (value !== undefined) return value
  throw usageError(`the secret ${reference} is not there`, 'set that variable, or write file:/absolute/path')
}
