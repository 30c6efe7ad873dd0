import { parseDurationMs } from './duration.ts'

/** A map of names as a list, in the order in which it was declared. */
export function named<Value, Built>(
  map: Readonly<Record<string, Value>>,
  build: (name: string, value: Value) => Built,
): readonly Built[] {
  return Object.entries(map).map(([name, value]) => build(name, value))
}

/** The schema let it through, so it is a duration. */
export function ms(duration: string): number {
  return parseDurationMs(duration) ?? 0
}

type Present<Value> = {
  readonly [Key in keyof Value as undefined extends Value[Key] ? never : Key]: Value[Key]
} & {
  readonly [Key in keyof Value as undefined extends Value[Key] ? Key : never]?: Exclude<Value[Key], undefined>
}

/** The same members without those that are undefined, which exact optional types keep apart from absent ones. */
export function present<Value extends object>(value: Value): Present<Value> {
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== undefined),
  ) as Present<Value>
}
