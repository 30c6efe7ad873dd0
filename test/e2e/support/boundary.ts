import type { RunRecord } from '../../../src/engine/run-event.ts'
import type { ControlStore, StoreTransaction } from '../../../src/ports/control-store.ts'

/** One transaction of an executor, as the names of what it wrote: `intent:promote`, `outcome:claim`, `leader`, `finished` … */
export type Labels = readonly string[]

/** Just before an executor's transaction is sent, or just after its success is known. */
export interface Boundary {
  readonly side: 'before' | 'after'
  readonly label: string
}

export function parseBoundary(text: string): Boundary {
  const [, side, label] = /^(before|after):(.+)$/.exec(text) ?? []
  if ((side === 'before' || side === 'after') && label !== undefined) return { side, label }
  throw new Error(`not a boundary: ${text}; write before:intent:promote`)
}

export function labelsOf({ put }: StoreTransaction): Labels {
  return put.flatMap(({ key, value }) => {
    if (/\/leaders\//.test(key)) return ['leader']
    return /\/runs\/[^/]+\/records\//.test(key) ? [labelOf((JSON.parse(value) as RunRecord).event)] : []
  })
}

function labelOf(event: RunRecord['event']): string {
  if (event.type !== 'intent' && event.type !== 'outcome') return event.type
  return event.kind === 'compensate' ? `${event.type}:undo:${event.step}` : `${event.type}:${event.step}`
}

/** What is so already gets no intent: then its outcome, where the intent would have been. */
function isAt(labels: Labels, { label }: Boundary): boolean {
  return labels.includes(label) || labels.includes(label.replace(/^intent:/, 'outcome:'))
}

/** The same store, with something happening at the first transaction that carries the label. */
export function interrupted(
  store: ControlStore,
  boundary: Boundary | undefined,
  happen: () => void,
  seen: (labels: Labels) => void,
): ControlStore {
  let isOver = false
  return {
    get: async (key) => store.get(key),
    list: async (prefix) => store.list(prefix),
    changes: async (prefix, afterRevision, timeoutMs) => store.changes(prefix, afterRevision, timeoutMs),
    async transact(transaction) {
      const labels = labelsOf(transaction)
      const isHere = !isOver && boundary !== undefined && isAt(labels, boundary)
      if (isHere && boundary.side === 'before') {
        isOver = true
        happen()
      }
      const result = await store.transact(transaction)
      if (result.succeeded) seen(labels)
      if (isHere && boundary.side === 'after' && result.succeeded) {
        isOver = true
        happen()
      }
      return result
    },
  }
}
