import type { Problem } from './source-file.ts'

const procedurePath = /^src\/procedures\/([^/]+?)\.ts$/

/** A procedure is found under one name in four places. Parts that several procedures share live in a folder below src/procedures. */
export function companionProblems(
  paths: readonly string[],
  exists: (path: string) => boolean,
): readonly Problem[] {
  return paths
    .filter((path) => !path.endsWith('.test.ts'))
    .flatMap((path) => procedurePath.exec(path)?.[1] ?? [])
    .flatMap((stem) => [
      `docs/procedures/${stem}.md`,
      `test/simulation/${stem}.sim.test.ts`,
      `test/e2e/${stem}.e2e.test.ts`,
    ])
    .filter((path) => !exists(path))
    .map((path) => `${path} is missing: its procedure exists`)
}
