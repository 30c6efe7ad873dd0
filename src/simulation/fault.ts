/** Who is hit: a host by name, or whatever plays the part at that moment. */
export type FaultPlace = 'az1' | 'az2' | 'az3' | 'ctl' | 'client' | 'leader-zone' | 'standby-zone'

export type ProcessKind = 'agent' | 'control-plane' | 'postgres' | 'executor'

export type FaultEffect =
  /** Power cut; power comes back when the fault ends. */
  | { readonly kind: 'host-crash'; readonly place: FaultPlace }
  /** SIGKILL; agents and control plane are started again by their supervisor, a postmaster by its agent if it may. */
  | { readonly kind: 'process-kill'; readonly process: ProcessKind; readonly place: FaultPlace }
  /** The process that executes a run dies instead of the n-th time that an answer or a timer lets it go on. */
  | {
      readonly kind: 'kill-at-await'
      readonly process: 'executor' | 'control-plane'
      readonly awaits: number
    }
  /** The process that executes dies right after its n-th record of the run journal is durable, before it hears so. */
  | { readonly kind: 'kill-at-record'; readonly records: number }
  /** SIGSTOP until the fault ends. */
  | { readonly kind: 'process-pause'; readonly process: ProcessKind; readonly place: FaultPlace }
  /** Everything on the host is frozen: a virtual machine that migrates. */
  | { readonly kind: 'host-pause'; readonly place: FaultPlace }
  | { readonly kind: 'partition'; readonly place: FaultPlace; readonly from: FaultPlace | 'everybody' }
  /** Packets from the place to the others are dropped, packets to it arrive. */
  | { readonly kind: 'partition-one-way'; readonly place: FaultPlace; readonly direction: 'out' | 'in' }
  | { readonly kind: 'clock-step'; readonly place: FaultPlace; readonly byMs: number }
  | {
      readonly kind: 'disk'
      readonly place: FaultPlace
      readonly after: number
      readonly count: number
      readonly code: 'ENOSPC' | 'EIO'
    }
  | {
      readonly kind: 'weather'
      readonly lossRate: number
      readonly replyLossRate: number
      readonly duplicateRate: number
      readonly slowRate: number
      readonly slowUs: number
    }
  /** The next replies to requests of that method are lost; the effects happened. */
  | { readonly kind: 'reply-lost'; readonly method: string; readonly count: number }
  | { readonly kind: 'replay-pause'; readonly place: FaultPlace }
  /** A person at the second console does something at a bad moment. */
  | { readonly kind: 'operator'; readonly command: 'pause' | 'continue' | 'cancel' | 'resume' | 'run-again' }

export type PhaseName =
  | 'adoption'
  | 'failover'
  | 'switchover'
  | 'corruption'
  | 'component-loss'
  | 'backup'
  | 'verification'
  | 'scheduled'
  | 'maintenance-on'
  | 'maintenance-off'
  | 'capture-on'
  | 'capture-off'

/** Part of a simulation's options: plain data, so that it can be printed, replayed and left out one by one. */
export interface Fault {
  readonly phase: PhaseName
  /** Milliseconds of virtual time after the phase began. */
  readonly atMs: number
  readonly forMs: number
  readonly effect: FaultEffect
}
