/** Asking for a file costs little but the way, which may lead to another host: so many are asked for at once. */
const usualSize = 16

/** What `ask` says of each, in the order of `items`. Fails with the first failure of a group, once all of that group have ended; no later group is begun then. */
export async function inGroups<In, Out>(
  items: readonly In[],
  ask: (item: In) => Promise<Out>,
  groupSize = usualSize,
): Promise<readonly Out[]> {
  const answers: Out[] = []
  for (let at = 0; at < items.length; at += groupSize) {
    const group = items.slice(at, at + groupSize).map(ask)
    await Promise.allSettled(group)
    // One by one: there may be more of them than a call takes arguments.
    for (const answer of await Promise.all(group)) answers.push(answer)
  }
  return answers
}
