import { CopiesDesk } from '../../src/agent/copies-desk.ts'
import type { Json } from '../../src/domain/canonical-json.ts'
import { CopiesCall } from '../../src/drivers/agent/copies-call.ts'
import { hostNamed } from '../../src/estate/estate-lookup.ts'
import { parseEstate } from '../../src/estate/parse-estate.ts'
import { smallEstateText } from '../../src/estate/small-estate.ts'
import { SystemClock } from '../../src/platform/system-clock.ts'
import type { KeptCopies } from '../../src/ports/kept-copies.ts'
import type { Network } from '../../src/ports/network.ts'

const estate = parseEstate(smallEstateText, 'estate.yaml')

type Kept = Partial<Pick<KeptCopies, 'archive' | 'vault'>>

/** The desk of an agent that keeps this of the small estate's ledger. */
export function copiesDesk(kept: Kept): CopiesDesk {
  const nothing = async (): Promise<never> => Promise.reject(new Error('not asked for here'))
  const copies: KeptCopies = {
    component: 'cmp_ledger',
    ...kept,
    view: () => {
      throw new Error('not asked for here')
    },
    resolve: nothing,
    snapshots: nothing,
    backUp: nothing,
    confirmRestored: nothing,
  }
  return new CopiesDesk(estate, [copies])
}

export interface RemoteCopies {
  readonly call: CopiesCall
  /** Methods that were asked for, in order, with their paths. */
  readonly asked: readonly string[]
}

/** The same as seen from another host, through JSON. `before` is run ahead of every call; what it throws is the answer. */
export function remoteCopies(kept: Kept, before: () => void = () => undefined): RemoteCopies {
  const desk = copiesDesk(kept)
  const asked: string[] = []
  const network: Network = {
    async call(_, method, body) {
      asked.push(`${method} ${(body as { readonly path: string }).path}`)
      before()
      return JSON.parse(JSON.stringify(await desk.handle(method, body))) as Json
    },
    serve: async () => Promise.reject(new Error('serves nothing')),
  }
  const place = { estate: estate.id, component: 'cmp_ledger', host: hostNamed(estate, 'witness') }
  return { call: new CopiesCall({ network, clock: new SystemClock() }, place), asked }
}
