import { parseLsn } from '../../src/domain/lsn.ts'
import { RecoveryError } from '../../src/domain/recovery-error.ts'
import type {
  CanaryReceipt,
  DatabaseMember,
  KeptDirectory,
  MemberObservation,
  Upstream,
} from '../../src/ports/database-member.ts'

export const systemIdentifier = '7300000000000000001'

/** A member that is what it was last told to be, at once. `effects` is what was done to it, in order. */
export class MemoryMember implements DatabaseMember {
  readonly name: string
  readonly effects: string[] = []
  seen: MemberObservation
  leftBehind: readonly KeptDirectory[] = []
  /** Whether another certificate lies on its host than it shows. */
  renewalDue = false
  /** Whether a named standby answers. */
  acknowledges = true
  #canaries = 0
  #exit: () => void = () => {}

  constructor(name: string, seen: Partial<MemberObservation> = {}) {
    this.name = name
    this.seen = { ...standbyOf('10.0.0.1:5432'), ...seen }
  }

  async observe(): Promise<MemberObservation> {
    return this.seen
  }

  async isRenewalDue(): Promise<boolean> {
    return this.renewalDue
  }

  async renewCertificate(): Promise<void> {
    this.#done('renew-certificate')
    this.renewalDue = false
  }

  onPostmasterExit(listener: () => void): void {
    this.#exit = listener
  }

  /** The postmaster ends by itself. */
  end(): void {
    this.seen = { role: 'stopped' }
    this.#exit()
  }

  async startAsStandby(): Promise<void> {
    this.#done('start-as-standby')
    if (this.seen.role === 'stopped')
      this.seen = { ...standbyOf(this.seen.upstream ?? ''), ...this.seen, role: 'standby' }
    this.#receive()
  }

  async stopImmediate(): Promise<void> {
    this.#done('stop-immediate')
    this.seen = { ...this.seen, role: 'stopped', receiving: false }
  }

  async stopClean(): Promise<{
    readonly shutdownLsn: ReturnType<typeof parseLsn>
    readonly timeline: number
  }> {
    this.#done('stop-clean')
    const shutdownLsn = parseLsn('0/5000000')
    this.seen = { ...this.seen, role: 'stopped', receiving: false, shutdownLsn }
    return { shutdownLsn, timeline: this.seen.timeline ?? 1 }
  }

  async kept(): Promise<readonly KeptDirectory[]> {
    return this.leftBehind
  }

  async detach(): Promise<void> {
    this.#done('detach')
    this.seen = { ...this.seen, upstream: '', receiving: false, streaming: false }
  }

  async follow(upstream: Upstream): Promise<void> {
    this.#done(`follow ${upstream.name}`)
    this.seen = { ...this.seen, upstream: `${upstream.address}:${upstream.port}` }
    this.#receive()
  }

  async setSynchronous(names: readonly string[], count: number): Promise<void> {
    this.#done(`set-synchronous ${count} (${names.join(', ')})`)
    this.seen = { ...this.seen, syncNames: names, syncCount: count }
  }

  async refuseWrites(): Promise<void> {
    this.#done('refuse-writes')
    this.seen = { ...this.seen, refusesWrites: true }
  }

  async acceptWrites(): Promise<void> {
    this.#done('accept-writes')
    const { refusesWrites: _, ...seen } = this.seen
    this.seen = seen
  }

  async promote(): Promise<void> {
    this.#done('promote')
    if (this.seen.role === 'primary') return
    this.seen = { ...this.seen, role: 'primary', timeline: (this.seen.timeline ?? 1) + 1, receiving: false }
  }

  async checkpoint(): Promise<void> {
    this.#done('checkpoint')
    this.seen = { ...this.seen, checkpointTimeline: this.seen.timeline ?? 0 }
  }

  async rejoin(): Promise<{ readonly method: 'rewind' }> {
    this.#done('rejoin')
    return { method: 'rewind' }
  }

  async writeCanary(): Promise<CanaryReceipt> {
    this.#done('write-canary')
    if (!this.acknowledges) {
      throw new RecoveryError({
        code: 'PG_OUTCOME_UNKNOWN',
        class: 'unknown-outcome',
        message: 'nobody acknowledged',
        hint: '',
      })
    }
    this.#canaries += 1
    return { counter: this.#canaries }
  }

  #receive(): void {
    const streams = this.seen.role === 'standby' && this.seen.upstream !== ''
    this.seen = { ...this.seen, receiving: streams, streaming: streams }
  }

  #done(effect: string): void {
    this.effects.push(effect)
  }
}

export function standbyOf(upstream: string): MemberObservation {
  const streams = upstream !== ''
  return {
    role: 'standby',
    systemIdentifier,
    versionNumber: 150_018,
    timeline: 1,
    checkpointTimeline: 1,
    receivedLsn: parseLsn('0/3000000'),
    replayedLsn: parseLsn('0/3000000'),
    upstream,
    receiving: streams,
    streaming: streams,
    bypasses: [],
  }
}

export function primaryNaming(...syncNames: readonly string[]): MemberObservation {
  return {
    role: 'primary',
    systemIdentifier,
    versionNumber: 150_018,
    timeline: 1,
    checkpointTimeline: 1,
    flushLsn: parseLsn('0/3000000'),
    syncNames,
    syncCount: Math.min(syncNames.length, 1),
    standbys: [],
    bypasses: [],
  }
}
