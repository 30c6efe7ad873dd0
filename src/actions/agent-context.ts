import type { Json } from '../domain/canonical-json.ts'
import type { ActionArgs } from '../engine/action.ts'
import type { ComputeInstance } from '../ports/compute-instance.ts'
import type { DatabaseMember, Upstream } from '../ports/database-member.ts'
import type { DatabaseRecovery } from '../ports/database-recovery.ts'
import type { KeptCopies } from '../ports/kept-copies.ts'
import type { RecoveryKeyring, RecoverySource } from '../ports/recovery-source.ts'
import type { GateDoor, TrafficGate } from '../ports/traffic-gate.ts'
import type { World } from '../ports/world.ts'
import { RecoveryError } from '../domain/recovery-error.ts'

/**
 * What a member is meant to be, persisted by its agent before the effect. Only `standby` is restarted by the agent on its own:
 * a stopped primary stays stopped until a run says otherwise (restart hole).
 */
export type MemberIntent = 'none' | 'primary' | 'standby' | 'fenced'

/** What an agent offers to the actions that run on its host. */
export interface AgentContext {
  readonly world: World
  member(component: string, member: string): DatabaseMember
  /** How the member's database is brought back on this host; NOT_ON_THIS_HOST (permanent) where it can not be. */
  recovery(component: string, member: string): DatabaseRecovery
  gate(component: string): TrafficGate
  instance(component: string): ComputeInstance
  /** Durable on this host, then done: a gate or an agent that starts again finds its door as it was. */
  setDoor(gate: string, door: GateDoor, epoch: number): Promise<void>
  /** What the member is meant to be from now on, and under which epoch. Durable before it resolves. */
  intend(member: string, intent: MemberIntent, epoch: number): Promise<void>
  intentOf(member: string): MemberIntent
  /** What this host keeps of the component; COPIES_NOT_HERE (permanent) when it keeps nothing. */
  copies(component: string): KeptCopies
  /** How far the backups of a run have come; durable before it resolves. */
  readonly backups: {
    /** Number of the newest snapshot when the run began to back up. */
    begun(run: string): Promise<number | undefined>
    begin(run: string, sequence: number): Promise<void>
  }
  /** See RecoveryAccess. */
  recoverySource(component: string): Promise<RecoverySource>
  recoveryKey(component: string): Promise<RecoveryKeyring>
}

export function textArg(args: ActionArgs, name: string): string {
  const value = args[name]
  if (typeof value === 'string') return value
  throw badArgument(name, 'a string')
}

export function numberArg(args: ActionArgs, name: string): number {
  const value = args[name]
  if (typeof value === 'number') return value
  throw badArgument(name, 'a number')
}

export function booleanArg(args: ActionArgs, name: string): boolean {
  const value = args[name]
  if (typeof value === 'boolean') return value
  throw badArgument(name, 'yes or no')
}

export function textsArg(args: ActionArgs, name: string): readonly string[] {
  const value = args[name]
  if (Array.isArray(value) && value.every((item): item is string => typeof item === 'string')) return value
  throw badArgument(name, 'a list of strings')
}

export interface NamedUpstream extends Upstream {
  readonly member: string
}

export function upstreamArg(args: ActionArgs, name: string): NamedUpstream {
  const value = args[name]
  if (isRecord(value)) {
    const { member, name: label, address, port } = value
    if (
      typeof member === 'string' &&
      typeof label === 'string' &&
      typeof address === 'string' &&
      typeof port === 'number'
    ) {
      return { member, name: label, address, port }
    }
  }
  throw badArgument(name, 'an upstream {member, name, address, port}')
}

export function isRecord(value: Json | undefined): value is { readonly [key: string]: Json | undefined } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function badArgument(name: string, expected: string): RecoveryError {
  return new RecoveryError({
    code: 'ACTION_ARGUMENT',
    class: 'permanent',
    message: `argument ${name} is not ${expected}`,
    hint: 'the plan was written by another version: run `pointzero --version` on every host',
  })
}
