/**
 * One cycle of each group of nodes that reach each other, in order of the first node as given. Tarjan's algorithm with a stack of its
 * own: a chain of ten thousand components must not exhaust the call stack.
 */
export function dependencyCycles(
  graph: ReadonlyMap<string, readonly string[]>,
): readonly (readonly string[])[] {
  const groups = stronglyConnected(graph)
  return groups.flatMap((group) => {
    const [start] = group
    const cycle = start === undefined ? undefined : shortestCycle(graph, start, new Set(group))
    return cycle === undefined ? [] : [cycle]
  })
}

interface Frame {
  readonly node: string
  next: number
}

interface Visit {
  readonly index: number
  low: number
  onStack: boolean
}

function stronglyConnected(graph: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const visits = new Map<string, Visit>()
  const stack: string[] = []
  const groups: (readonly string[])[] = []
  const order = new Map([...graph.keys()].map((node, index) => [node, index]))
  const enter = (node: string): Frame => {
    visits.set(node, { index: visits.size, low: visits.size, onStack: true })
    stack.push(node)
    return { node, next: 0 }
  }
  const leave = (node: string, visit: Visit): void => {
    if (visit.low !== visit.index) return
    const group = stack.splice(stack.lastIndexOf(node))
    for (const member of group) (visits.get(member) as Visit).onStack = false
    groups.push(group.sort((left, right) => (order.get(left) ?? 0) - (order.get(right) ?? 0)))
  }
  for (const root of graph.keys()) {
    if (visits.has(root)) continue
    const frames = [enter(root)]
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const visit = visits.get(frame.node) as Visit
      const to = graph.get(frame.node)?.[frame.next]
      frame.next += 1
      if (to === undefined) {
        leave(frame.node, visit)
        frames.pop()
        const parent = frames.at(-1)
        const above = parent && visits.get(parent.node)
        if (above) above.low = Math.min(above.low, visit.low)
      } else if (graph.has(to)) {
        const seen = visits.get(to)
        if (seen === undefined) frames.push(enter(to))
        else if (seen.onStack) visit.low = Math.min(visit.low, seen.index)
      }
    }
  }
  return groups.sort((left, right) => (order.get(left[0] ?? '') ?? 0) - (order.get(right[0] ?? '') ?? 0))
}

/** Breadth first from the start back to it, inside the group. */
function shortestCycle(
  graph: ReadonlyMap<string, readonly string[]>,
  start: string,
  group: ReadonlySet<string>,
): readonly string[] | undefined {
  const cameFrom = new Map<string, string>()
  const queue = [start]
  for (const node of queue) {
    for (const to of graph.get(node) ?? []) {
      if (to === start) return pathBack(cameFrom, start, node)
      if (!group.has(to) || cameFrom.has(to)) continue
      cameFrom.set(to, node)
      queue.push(to)
    }
  }
  return undefined
}

function pathBack(cameFrom: ReadonlyMap<string, string>, start: string, end: string): readonly string[] {
  const path: string[] = []
  for (let node: string | undefined = end; node !== undefined && node !== start; node = cameFrom.get(node))
    path.unshift(node)
  return [start, ...path]
}
