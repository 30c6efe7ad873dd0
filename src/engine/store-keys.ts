import { assert } from '../domain/recovery-error.ts'

const part = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,199}$/

/** The keys of the control store (docs/internals/contracts.md). The estate id comes first, so that estates never meet. */
export interface StoreKeys {
  readonly root: string
  readonly estate: string
  readonly principals: string
  readonly runs: string
  /** Prefix of the summaries of all runs. */
  readonly runIndexes: string
  readonly epoch: (scope: string) => string
  readonly leader: (component: string) => string
  /** Prefix of everything that belongs to one run. */
  readonly run: (run: string) => string
  readonly runIndex: (run: string) => string
  /** Last known ways around the synchronous rule of a cluster. */
  readonly bypasses: (component: string) => string
  readonly runHead: (run: string) => string
  readonly runRecord: (run: string, seq: number) => string
  readonly open: (scope: string) => string
  readonly approvals: (planHash: string) => string
  readonly approval: (planHash: string, nonce: string) => string
  readonly approvalUse: (nonce: string) => string
  readonly standing: (procedure: string, scope: string) => string
}

export function storeKeys(estate: string): StoreKeys {
  const root = `pz/${checked(estate)}/`
  const at = (...parts: readonly string[]): string => root + parts.map(checked).join('/')
  return {
    root,
    estate: at('estate'),
    principals: at('principals'),
    runs: `${at('runs')}/`,
    runIndexes: `${at('run-index')}/`,
    epoch: (scope) => at('epochs', scope),
    leader: (component) => at('leaders', component),
    bypasses: (component) => at('bypasses', component),
    run: (run) => `${at('runs', run)}/`,
    runIndex: (run) => at('run-index', run),
    runHead: (run) => at('runs', run, 'head'),
    runRecord: (run, seq) => at('runs', run, 'records', String(seq).padStart(6, '0')),
    open: (scope) => at('open', scope),
    approvals: (planHash) => `${at('approvals', planHash)}/`,
    approval: (planHash, nonce) => at('approvals', planHash, nonce),
    approvalUse: (nonce) => at('approval-uses', nonce),
    standing: (procedure, scope) => at('standing', procedure, scope),
  }
}

/** A slash inside a part would let one key be read as another. */
function checked(text: string): string {
  assert(part.test(text), `a key part is letters, digits and ._:@- only, not ${JSON.stringify(text)}`)
  return text
}
