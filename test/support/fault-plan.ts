import { RecoveryError } from '../../src/domain/recovery-error.ts'

export type FaultCode = 'ENOSPC' | 'EIO'

/** Counts the calls of a port and fails one of them, once; 0 fails none. */
export class FaultPlan {
  failAt: number
  code: FaultCode
  calls = 0
  /** What was being done when it failed. */
  failed: string | undefined
  /** Files that are open now. */
  openFiles = 0

  constructor(failAt = 0, code: FaultCode = 'EIO') {
    this.failAt = failAt
    this.code = code
  }

  /** From now on the very next call fails; files that are open stay counted. */
  failNext(code: FaultCode): void {
    this.failAt = this.calls + 1
    this.code = code
  }

  /** Called before the work; throws as the operating system does. */
  enter(what: string): void {
    this.calls += 1
    if (this.calls !== this.failAt) return
    this.failed = what
    throw Object.assign(new Error(`${this.code}: ${what}`), { code: this.code })
  }

  /** As `enter`, for a port whose implementation classifies what the system says. */
  enterStore(what: string, isRead = false): void {
    // Nobody runs out of room by reading.
    if (isRead && this.calls + 1 === this.failAt) this.code = 'EIO'
    try {
      this.enter(what)
    } catch (cause) {
      const code = this.code === 'ENOSPC' ? 'OBJECT_STORE_FULL' : 'OBJECT_STORE_FAILED'
      const message = `store: ${String(cause)}`
      throw new RecoveryError({ code, class: 'permanent', message, hint: '`df`', cause })
    }
  }
}

/** Runs `attempt` with the first call failing, then the second, until nothing fails any more; returns how many there are. */
export async function failEveryCall(
  codes: readonly FaultCode[],
  attempt: (plan: FaultPlan) => Promise<void>,
): Promise<number> {
  for (let call = 1; ; call++) {
    for (const code of codes) {
      const plan = new FaultPlan(call, code)
      await attempt(plan)
      if (plan.failed === undefined) return call - 1
    }
  }
}
