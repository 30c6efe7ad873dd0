/** Interval between two heartbeats that `pointzero setup` writes into the configuration of an agent, in ms. */
export const usualHeartbeatMs = 250

/** What is left of a database after an immediate shutdown of this many ms is killed. */
export const immediateStopMs = 1_000

/** How often an agent asks itself whether its primary must stop, in ms. */
export function fenceLookMs(heartbeatMs: number): number {
  return Math.min(heartbeatMs, 100)
}

/**
 * For how long at most, in ms, an isolated primary goes on answering reads: the fence; one heartbeat interval, within which a primary that was
 * promoted just before is seen to be one; one look; and an immediate shutdown to its hard end. It needs a running agent whose clock runs.
 * Undefined where no commit waits for anybody: then nobody takes over without a person, and nothing ends it.
 */
export function staleReadBoundMs(
  policy: { readonly fenceMs: number; readonly synchronousCount: number },
  heartbeatMs: number = usualHeartbeatMs,
): number | undefined {
  if (policy.synchronousCount === 0) return undefined
  return policy.fenceMs + heartbeatMs + fenceLookMs(heartbeatMs) + immediateStopMs
}
