import { assert } from '../domain/recovery-error.ts'

const part = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,199}$/

/** The keys of the control store (docs/internals/contracts.md). The estate id comes first, so that estates never meet. */
export interface StoreKeys {
  readonly root: string
  readonly estate: string
  readonly principals: string
  readonly runs: string
  readonly maintenance: string
  /** Prefix of the summaries of all runs. */
  readonly runIndexes: string
  epoch(scope: string): string
  leader(component: string): string
  /** Prefix of everything that belongs to one run. */
  run(run: string): string
  runIndex(run: string): string
  /** Last known ways around the synchronous rule of a cluster. */
  bypasses(component: string): string
  runHead(run: string): string
  runRecord(run: string, seq: number): string
  open(scope: string): string
  approvals(planHash: string): string
  approval(planHash: string, nonce: string): string
  approvalUse(nonce: string): string
  standing(procedure: string, scope: string): string
}

export function storeKeys(estate: string): StoreKeys {
  return new KeysUnder(`pz/${checked(estate)}/`)
}

/** Each key is put together when it is asked for: most callers ask for one. */
class KeysUnder implements StoreKeys {
  readonly root: string

  constructor(root: string) {
    this.root = root
  }

  get estate(): string {
    return `${this.root}estate`
  }

  get principals(): string {
    return `${this.root}principals`
  }

  get maintenance(): string {
    return `${this.root}maintenance/switch`
  }

  get runs(): string {
    return `${this.root}runs/`
  }

  get runIndexes(): string {
    return `${this.root}run-index/`
  }

  epoch(scope: string): string {
    return `${this.root}epochs/${checked(scope)}`
  }

  leader(component: string): string {
    return `${this.root}leaders/${checked(component)}`
  }

  bypasses(component: string): string {
    return `${this.root}bypasses/${checked(component)}`
  }

  run(run: string): string {
    return `${this.root}runs/${checked(run)}/`
  }

  runIndex(run: string): string {
    return `${this.root}run-index/${checked(run)}`
  }

  runHead(run: string): string {
    return `${this.run(run)}head`
  }

  runRecord(run: string, seq: number): string {
    return `${this.run(run)}records/${checked(String(seq).padStart(6, '0'))}`
  }

  open(scope: string): string {
    return `${this.root}open/${checked(scope)}`
  }

  approvals(planHash: string): string {
    return `${this.root}approvals/${checked(planHash)}/`
  }

  approval(planHash: string, nonce: string): string {
    return this.approvals(planHash) + checked(nonce)
  }

  approvalUse(nonce: string): string {
    return `${this.root}approval-uses/${checked(nonce)}`
  }

  standing(procedure: string, scope: string): string {
    return `${this.root}standing/${checked(procedure)}/${checked(scope)}`
  }
}

/** A slash inside a part would let one key be read as another. */
function checked(text: string): string {
  if (!part.test(text))
    assert(false, `a key part is letters, digits and ._:@- only, not ${JSON.stringify(text)}`)
  return text
}
