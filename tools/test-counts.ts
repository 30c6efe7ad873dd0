export interface TestCounts {
  readonly passed: number
  readonly failed: number
}

/**
 * Reads the closing lines that node:test's spec reporter prints (`ℹ pass 12`). Undefined when they are not there: then the runner
 * died. A test that was skipped, cancelled or left to do was not shown to hold, so it counts as failed.
 */
export function readTestCounts(reportLines: readonly string[]): TestCounts | undefined {
  const passed = lastCount(reportLines, 'pass')
  const total = lastCount(reportLines, 'tests')
  if (passed === undefined || total === undefined) return undefined
  return { passed, failed: total - passed }
}

function lastCount(reportLines: readonly string[], word: string): number | undefined {
  const line = reportLines.findLast((candidate) => new RegExp(`^ℹ ${word} \\d+$`).test(candidate))
  return line === undefined ? undefined : Number(line.split(' ').at(-1))
}
