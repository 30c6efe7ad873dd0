/**
 * What clients saw and what the data says afterwards, recomputed from raw logs by a checker that never asks the product. Stamps are
 * wall milliseconds of the one host where the clients ran; differences of them are only taken within that host.
 */
export interface Measurements {
  /** The raw logs that the numbers below were computed from. */
  readonly clientLogs: readonly ClientLogDigest[]
  /** When the fault was injected; absent for a disaster that nobody injected. */
  readonly faultAtMs?: number
  readonly lastAcknowledgedBeforeMs?: number
  /** Start of the first client request that failed after the fault: recovery time begins here, not at a button. */
  readonly firstFailedMs?: number
  /** End of the first client write that was acknowledged by the new primary: recovery time ends here. */
  readonly firstAcknowledgedAfterMs?: number
  readonly writes: WriteCount
  /** After a corruption only: acknowledged writes of the time after the recovery target. None of them is among the lost. */
  readonly undone?: UndoneWrites
  /** Age, at the first failure, of the oldest acknowledged write that is missing; 0 when none is. */
  readonly lossMs: number
  /** Requests from the first failed one to the first acknowledged one after it. */
  readonly transition: RequestCount
  /** All of them through the gates; probers beside the members are counted only where they were acknowledged. */
  readonly total: RequestCount
  /** Statements about the data that hold or do not: order, balance, one effect for each id, equal state hash. */
  readonly invariants: readonly Invariant[]
}

export interface ClientLogDigest {
  readonly name: string
  /** SHA-256 of the file, lower-case hex. */
  readonly sha256: string
  readonly lines: number
}

export interface WriteCount {
  readonly acknowledged: number
  /** Acknowledged and present after recovery. */
  readonly found: number
  /** Acknowledged and absent after recovery. */
  readonly lost: number
  /** Present more than once. */
  readonly duplicated: number
  /** Neither acknowledged nor refused: the client can not know. Allowed to be present or absent. */
  readonly unknown: number
  /** Ids of at most a hundred lost writes, so that people can look for them. */
  readonly lostIds: readonly string[]
}

export interface UndoneWrites {
  readonly writes: number
  /** From the corruption to the last of them. */
  readonly spanMs: number
  /** At most a hundred. */
  readonly ids: readonly string[]
}

export interface RequestCount {
  readonly requests: number
  readonly failed: number
}

export interface Invariant {
  readonly name: string
  readonly holds: boolean
  readonly detail: string
}
