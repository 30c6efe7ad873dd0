import type { Procedure } from '../procedures/parts/procedure.ts'
import { usageError } from './usage-error.ts'

/** `--param k=v`: only what the procedure declares, each once, all that it needs. */
export function parameters(procedure: Procedure, given: readonly string[]): Readonly<Record<string, string>> {
  const known = procedure.parameters.map(({ name }) => name)
  const found: Record<string, string> = {}
  for (const text of given) {
    const at = text.indexOf('=')
    const name = text.slice(0, at)
    if (at < 1)
      throw usageError(`--param ${text} is not name=value`, `${procedure.name} takes ${listed(known)}`)
    if (!known.includes(name))
      throw usageError(`${procedure.name} has no parameter ${name}`, `it takes ${listed(known)}`)
    if (Object.hasOwn(found, name)) throw usageError(`--param ${name} is given twice`, 'give it once')
    found[name] = text.slice(at + 1)
  }
  const missing = procedure.parameters.find(({ name, required }) => required && !Object.hasOwn(found, name))
  if (missing === undefined) return found
  throw usageError(
    `${procedure.name} needs --param ${missing.name}=…: ${missing.meaning}`,
    `it takes ${listed(known)}`,
  )
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'no parameters' : names.join(', ')
}
