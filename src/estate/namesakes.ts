/** PostgreSQL compares names of synchronous_standby_names without regard to case, and every connection that matches counts for itself. */
export function namesakes<T extends { readonly name: string }>(
  connections: readonly T[],
  name: string,
): readonly T[] {
  return connections.filter((one) => one.name.toLowerCase() === name.toLowerCase())
}
