import type { Log } from '../ports/log.ts'

const everyMs = 250
const noticedMs = 1_000

/**
 * Says when the event loop of this process stood still for a second or more: a fence, a canary or a reply that came late for that reason
 * looks like a fault of somebody else from outside. Returns what ends it.
 */
export function watchLoop(log: Log): () => void {
  let expectedMs = performance.now() + everyMs
  const timer = setInterval(() => {
    const lateMs = performance.now() - expectedMs
    if (lateMs >= noticedMs) log.warn('process-stood-still', { ms: Math.round(lateMs) })
    expectedMs = performance.now() + everyMs
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}
