import type { Json } from '../domain/canonical-json.ts'
import { RecoveryError } from '../domain/recovery-error.ts'

/** Who asks for the effect, and under which epoch. Every target refuses an epoch lower than the highest it has persisted. */
export interface Authority {
  readonly run: string
  readonly step: string
  readonly attempt: number
  readonly scope: string
  readonly epoch: number
}

/** What was seen. `proof` is evidence in data (an LSN on a timeline, a row, a digest), never an exit status. */
export type Observation =
  | { readonly satisfied: true; readonly proof: Json; readonly output: Readonly<Record<string, Json>> }
  | NotYet

/** `ticket`: given by an agent, to be quoted by the effect that is decided from this look. */
export type NotYet = { readonly satisfied: false; readonly seen: Json; readonly ticket?: string }

export type ActionArgs = Readonly<Record<string, Json>>

/**
 * Choosing, waiting, verifying: says whether something holds, and has no effect. `Context` is what the place that runs it offers: the
 * agent's drivers, or the control plane's store and agents.
 */
export interface Look<Context> {
  readonly name: string
  readonly version: number
  /** True when `observe` writes something that is nobody's data (a canary row): refused to a superseded executor like an effect. */
  readonly observeWrites?: boolean
  /** The part of its target that it acts on, when effects on the rest need not wait for it: a gate is routed while its door is being shut. */
  readonly part?: string
  observe(context: Context, args: ActionArgs, authority: Authority): Promise<Observation>
}

/**
 * Observe → apply → observe again. `observe` says whether the post-condition holds; already true means skipped, with the proof. `apply` is
 * idempotent.
 */
export interface Effect<Context> extends Look<Context> {
  apply(context: Context, args: ActionArgs, authority: Authority): Promise<void>
}

export type Action<Context> = Look<Context> | Effect<Context>

export type ActionRegistry<Context> = ReadonlyMap<string, Action<Context>>

export function isEffect<Context>(action: Action<Context>): action is Effect<Context> {
  return 'apply' in action
}

/** Fails for one that only looks: no executor asks for the effect of such a step. */
export function effectOf<Context>(action: Action<Context>): Effect<Context> {
  if (isEffect(action)) return action
  throw new RecoveryError({
    code: 'ACTION_ONLY_LOOKS',
    class: 'refused',
    message: `${action.name} has no effect that could be asked for`,
    hint: 'a plan gives it the effect `none`; this one was not built by this release',
  })
}
