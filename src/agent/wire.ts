import type { MaintenanceNews } from '../domain/maintenance-record.ts'
import type { ComponentId, HostId, MemberId } from '../domain/id.ts'
import type { KeptDirectory, MemberObservation } from '../ports/database-member.ts'
import type { CopiesView } from '../ports/kept-copies.ts'
import type { ActionArgs, Authority } from '../engine/action.ts'

/** Methods that an agent serves. Bodies and replies are the types below as JSON. */
export const agentMethods = {
  hello: 'agent/hello',
  /** Everything this agent sees, read fresh. */
  observe: 'agent/observe',
  actionObserve: 'agent/action-observe',
  actionApply: 'agent/action-apply',
  /** Whether the effect with that authority is still under way here: a host that lost power never answers the request itself. */
  performing: 'agent/performing',
  /** Raises the persisted epoch of a scope without any other effect. */
  announce: 'agent/announce',
} as const

/** Methods that the control plane serves to agents. (The store's methods are in server/store-wire.ts.) */
export const controlPlaneMethods = { hello: 'control/hello', heartbeat: 'control/heartbeat' } as const

/** First exchange in both directions; a peer that lacks a capability or speaks another wire version is refused. */
export interface Hello {
  readonly format: 'pointzero/agent-wire/1'
  readonly productVersion: string
  readonly estate: string
  /** Agents: `action:<name>@<version>` each. */
  readonly capabilities: readonly string[]
}

export interface ActionCall {
  readonly format: 'pointzero/agent-wire/1'
  readonly estate: string
  readonly action: string
  readonly actionVersion: number
  readonly args: ActionArgs
  readonly authority: Authority
  /** Only `action-apply`: from the reply to the `action-observe` that this effect was decided from. Without it the effect is refused. */
  readonly ticket?: string
}

/** Pushed by every agent each heartbeat interval; being answered is what renews a primary. */
export interface Heartbeat {
  readonly format: 'pointzero/agent-wire/1'
  readonly estate: string
  readonly host: HostId
  /** New at each start of the agent. */
  readonly boot: string
  readonly sequence: number
  readonly view: AgentView
}

/** Ages are measured on the agent's monotonic clock, so that clocks need not agree. */
export interface AgentView {
  readonly members: readonly MemberView[]
  /** This agent's probes of members elsewhere. */
  readonly probes: readonly ProbeView[]
  readonly gates: readonly GateView[]
  readonly instances: readonly InstanceView[]
  readonly epochs: readonly { readonly scope: string; readonly epoch: number }[]
  /** What this host keeps of components; absent: nothing. */
  readonly copies?: readonly CopiesView[]
  /** What has been under way for long, in the order in which it was asked for; absent: nothing. */
  readonly underWay?: readonly EffectView[]
}

/** An effect that was asked of this agent and has not ended. A second one on the same target waits for it, however long that is. */
export interface EffectView {
  readonly action: string
  readonly run: string
  readonly step: string
  readonly forMs: number
  /** It waits for another effect on its target. */
  readonly waits?: true
}

export interface MemberView {
  readonly component: ComponentId
  readonly member: MemberId
  readonly observation: MemberObservation
  readonly ageMs: number
  /** Age of the newest acknowledged canary (measured from the start of its write); absent when not primary or none yet. */
  readonly acknowledgedAgeMs?: number
  /** The agent stopped it because it could neither renew nor see an acknowledgement, or because it was superseded. */
  readonly fenced: boolean
  /** Left by earlier rejoins, for people to remove; absent: nothing. */
  readonly kept?: readonly KeptDirectory[]
  /** See staleReadBoundMs; absent where nothing ends an isolated primary. */
  readonly staleReadBoundMs?: number
}

export interface ProbeView {
  readonly member: MemberId
  /** Time since the postmaster last answered this observer (or since it began to probe). */
  readonly silentMs: number
  /** Time since the last finished probe, answered or not. */
  readonly ageMs: number
}

export interface GateView {
  readonly component: ComponentId
  readonly epoch: number
  readonly target: string
  /** Clients are turned away, wherever it leads. Absent: the door is open. */
  readonly shut?: true
}

export interface InstanceView {
  readonly component: ComponentId
  readonly running: boolean
  readonly ready: boolean
}

export interface HeartbeatReply {
  readonly format: 'pointzero/agent-wire/1'
  /** Highest epoch of each scope that this host takes part in; the agent persists it before it acts again. */
  readonly epochs: readonly { readonly scope: string; readonly epoch: number }[]
  /** Who leads each cluster that has a leader. A primary that was promoted under a lower epoch stops at once. */
  readonly leaders: readonly LeaderNews[]
  /** Principals whose executors this agent obeys from now on. */
  readonly executors: readonly string[]
  readonly maintenance: MaintenanceNews
}

export interface LeaderNews {
  readonly component: ComponentId
  readonly member: MemberId
  /** Epoch under which it was claimed: news older than a member's own promotion is ignored by it. */
  readonly epoch: number
}
