import type { Json } from '../domain/canonical-json.ts'

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
 * One kind of effect: observe → apply → observe again. `observe` has no effect and says whether the post-condition holds;
 * already true means skipped, with the proof. `apply` is idempotent. `Context` is what the place that runs it offers: the agent's
 * drivers, or the control plane's store and agents.
 */
export interface Action<Context> {
  readonly name: string
  readonly version: number
  /** True when `apply` may not run at all: choosing, waiting, verifying. */
  readonly observeOnly?: boolean
  /** True when `observe` writes something that is nobody's data (a canary row): refused to a superseded executor like an effect. */
  readonly observeWrites?: boolean
  /** The part of its target that it acts on, when effects on the rest need not wait for it: a gate is routed while its door is being shut. */
  readonly part?: string
  observe(context: Context, args: ActionArgs, authority: Authority): Promise<Observation>
  apply(context: Context, args: ActionArgs, authority: Authority): Promise<void>
}

export type ActionRegistry<Context> = ReadonlyMap<string, Action<Context>>
