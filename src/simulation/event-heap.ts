/** Something that happens at an instant. Cancelled = its `run` is gone. */
export interface SimEvent {
  readonly atUs: number
  readonly tie: number
  readonly seq: number
  run: (() => void) | undefined
}

/** Binary heap ordered by (time, seeded tie-break, sequence). */
export class EventHeap {
  readonly #items: SimEvent[] = []

  push(event: SimEvent): void {
    const items = this.#items
    let index = items.length
    items.push(event)
    while (index > 0) {
      const above = (index - 1) >> 1
      const parent = items[above] as SimEvent
      if (!isBefore(event, parent)) break
      items[index] = parent
      index = above
    }
    items[index] = event
  }

  pop(): SimEvent | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (first === undefined || last === undefined || items.length === 0) return first
    this.#sink(last)
    return first
  }

  #sink(event: SimEvent): void {
    const items = this.#items
    const { length } = items
    let index = 0
    for (;;) {
      let below = 2 * index + 1
      if (below >= length) break
      if (below + 1 < length && isBefore(items[below + 1] as SimEvent, items[below] as SimEvent)) below += 1
      const child = items[below] as SimEvent
      if (!isBefore(child, event)) break
      items[index] = child
      index = below
    }
    items[index] = event
  }
}

function isBefore(left: SimEvent, right: SimEvent): boolean {
  if (left.atUs !== right.atUs) return left.atUs < right.atUs
  if (left.tie !== right.tie) return left.tie < right.tie
  return left.seq < right.seq
}
