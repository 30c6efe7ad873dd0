import { checkDeclaration } from './check-declaration.ts'
import type { EstatePath, EstateProblem } from './estate-problem.ts'
import { estateSchema } from './estate-schema.ts'

const collections = new Set([
  ...['hosts', 'stores', 'components', 'schedules', 'approvals', 'smokeTests', 'exclusions', 'recovery'],
])

/**
 * With parts of the estate misformed, how the others fit together can still be said, so that nobody corrects a file in rounds. The
 * misformed entries are left out; what refers to them is not reported. Empty when too much is misformed to tell.
 */
export function checkRemainder(value: unknown, problems: readonly EstateProblem[]): readonly EstateProblem[] {
  const broken = problems.map(({ path }) => path)
  if (!broken.every(([collection, entry]) => collections.has(String(collection)) && entry !== undefined))
    return []
  const left = Object.fromEntries(
    Object.entries(value as Record<string, unknown>).map(([key, part]) => [key, without(part, key, broken)]),
  )
  const parsed = estateSchema.safeParse(left)
  if (!parsed.success) return []
  const names = new Set(broken.map(([, entry]) => entry))
  return checkDeclaration(parsed.data).filter(
    ({ path, part }) => !names.has(part === 'key' ? path.at(-1) : valueAt(value, path)) && path.length > 1,
  )
}

function without(part: unknown, key: string, broken: readonly EstatePath[]): unknown {
  const entries = new Set(broken.filter(([collection]) => collection === key).map(([, entry]) => entry))
  if (entries.size === 0 || typeof part !== 'object' || part === null) return part
  return Object.fromEntries(Object.entries(part).filter(([name]) => !entries.has(name)))
}

function valueAt(value: unknown, path: EstatePath): string | number | undefined {
  let at: unknown = value
  for (const step of path) at = (at as Record<string | number, unknown> | undefined)?.[step]
  return typeof at === 'string' || typeof at === 'number' ? at : undefined
}
