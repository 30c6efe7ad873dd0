import type { WalRecord } from './wal-record.ts'

/**
 * How a write looked to the client that asked for it. `soft` = reported as done after its wait was cancelled (the server said so with a
 * warning); `failed` = certainly not done; `unknown` = no answer.
 */
export type WriteResult = 'acknowledged' | 'soft' | 'failed' | 'unknown'

export interface WriteEntry {
  readonly transaction: number
  readonly client: string
  readonly invokedUs: number
  endedUs: number
  result: WriteResult | 'pending'
}

/** Everything that clients asked for, and what the servers did about it. */
export class ClientHistory {
  readonly entries: WriteEntry[] = []
  /** Released by the synchronous rule, in the order in which it happened, whether or not the reply got through. */
  readonly released: { readonly record: WalRecord; readonly member: string; readonly atUs: number }[] = []
  #transaction = 0

  begin(client: string, nowUs: number): WriteEntry {
    const entry: WriteEntry = {
      transaction: this.nextTransaction(),
      client,
      invokedUs: nowUs,
      endedUs: -1,
      result: 'pending',
    }
    this.entries.push(entry)
    return entry
  }

  nextTransaction(): number {
    this.#transaction += 1
    return this.#transaction
  }
}
