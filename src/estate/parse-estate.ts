import { RecoveryError } from '../domain/recovery-error.ts'
import { buildEstate } from './build-estate.ts'
import { checkDeclaration } from './check-declaration.ts'
import { checkRemainder } from './check-remainder.ts'
import { issueMessage, issueProblems, isWithin } from './declaration-problems.ts'
import { formatPath } from './estate-problem.ts'
import type { EstateProblem, Position } from './estate-problem.ts'
import { estateSchema } from './estate-schema.ts'
import type { Estate } from './estate.ts'
import { estateFindings } from './findings.ts'
import type { Finding } from './findings.ts'
import { readYamlTree } from './yaml-tree.ts'
import type { YamlTree } from './yaml-tree.ts'

const sizeMaxBytes = 8 * 1024 * 1024
const shownMax = 200

export interface ReadEstate {
  readonly estate: Estate
  /** What is allowed but should not stay so; with `where` as file:line:col. */
  readonly findings: readonly (Finding & { readonly where: string })[]
}

/**
 * The estate that a text in YAML declares. Everything wrong with it is found before anything is refused: the message has one
 * line `file:line:col: path: what; what to do` for each problem.
 *
 * Errors: ESTATE_INVALID (invalid-estate).
 */
export function parseEstate(text: string, fileName: string): Estate {
  const tree = readTree(text, fileName)
  return declaredIn(tree, fileName)
}

/** As parseEstate, with the findings: warnings, and what makes a component red. */
export function readEstate(text: string, fileName: string): ReadEstate {
  const tree = readTree(text, fileName)
  const estate = declaredIn(tree, fileName)
  const findings = estateFindings(estate).map((finding) => ({
    ...finding,
    where: formatPlace(fileName, tree.locate(finding.path, 'key')),
  }))
  return { estate, findings }
}

function readTree(text: string, fileName: string): YamlTree {
  if (text.length > sizeMaxBytes || Buffer.byteLength(text) > sizeMaxBytes) {
    throw invalid(fileName, [`${fileName}:1:1: (estate): larger than 8 MiB; split the estate`])
  }
  return readYamlTree(text)
}

function declaredIn(tree: YamlTree, fileName: string): Estate {
  const parsed =
    tree.value === undefined ? undefined : estateSchema.safeParse(tree.value, { error: issueMessage })
  const formProblems = (parsed?.error?.issues ?? [])
    .flatMap(issueProblems)
    .filter(
      ({ path }) => !tree.problems.some((known) => isWithin(known.path, path) || isWithin(path, known.path)),
    )
  const problems = [...tree.problems.map((found) => ({ ...found })), ...located(tree, formProblems)]
  if (parsed?.success === true && problems.length === 0) {
    const misfits = checkDeclaration(parsed.data)
    if (misfits.length === 0) return buildEstate(parsed.data)
    problems.push(...located(tree, misfits))
  } else if (tree.value !== undefined) {
    problems.push(...located(tree, checkRemainder(tree.value, [...tree.problems, ...formProblems])))
  }
  const lines = problems
    .sort((left, right) => comparePositions(left.position, right.position))
    .map(
      ({ path, position, message }) => `${formatPlace(fileName, position)}: ${formatPath(path)}: ${message}`,
    )
  throw invalid(fileName, [...new Set(lines)])
}

function located(tree: YamlTree, problems: readonly EstateProblem[]) {
  return problems.map((found) => ({ ...found, position: tree.locate(found.path, found.part) }))
}

function comparePositions(left: Position, right: Position): number {
  return left.line - right.line || left.column - right.column
}

function formatPlace(fileName: string, { line, column }: Position): string {
  return `${fileName}:${line}:${column}`
}

function invalid(fileName: string, lines: readonly string[]): RecoveryError {
  const shown = lines.slice(0, shownMax)
  const rest = lines.length - shown.length
  return new RecoveryError({
    code: 'ESTATE_INVALID',
    class: 'invalid-estate',
    message: [...shown, ...(rest > 0 ? [`… and ${rest} more`] : [])].join('\n'),
    hint: `correct ${fileName}, then run \`pointzero check ${fileName}\``,
    context: { problems: lines.length },
  })
}
