import type { Principal } from '../engine/approval.ts'
import type { Estate } from '../estate/estate.ts'
import type { ControlStore } from '../ports/control-store.ts'
import type { DatabaseProbe } from '../ports/database-member.ts'
import type { Patience } from '../watch/automatic-decision.ts'
import type { Endpoint } from '../ports/network.ts'
import type { SignatureVerifier } from '../ports/signer.ts'

/** What is put together once, at the rim, to make a control plane. */
export interface ControlPlaneSetup {
  readonly estate: Estate
  /** Its principal: `prn_…`, named in its certificate, requester of automatic runs. */
  readonly subject: string
  readonly listen: Endpoint
  readonly store: ControlStore
  readonly probe: DatabaseProbe
  readonly verifier: SignatureVerifier
  /** Each start writes them to the control store when they differ from what it holds. */
  readonly principals: readonly Principal[]
  /** All that it leads is made to be broken. Its runs are drills, and only there are drills opened. */
  readonly sandbox?: boolean
  /** The usual one when absent. */
  readonly patience?: Patience
  /** After an automatic run that did not end well, its scope is left alone for this long; 5 s when absent. */
  readonly retryAfterMs?: number
  /** How often everything is judged even when nothing arrives, in milliseconds. */
  readonly tickMs: number
}
