/** For people, in whole milliseconds: a bound is not rounded. */
export function staleReadsText(boundMs: number | null): string {
  if (boundMs === null) return 'nothing ends an isolated primary: no commit waits for anybody'
  return `an isolated primary stops itself; stale reads for at most ${boundMs} ms`
}
