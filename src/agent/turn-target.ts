/** What a turn is taken on: one member, one gate or instance of this host, or a part of one. */
export function turnTarget(component: unknown, member: unknown, part = ''): string {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  const whole = `${text(component)}/${text(member)}`
  return part === '' ? whole : `${whole}/${part}`
}
