/** A place in the declaration: keys and indexes from the top. */
export type EstatePath = readonly (string | number)[]

/** `message` is `what; what to do`. `part` says whether the key or its value is wrong, for the position. */
export interface EstateProblem {
  readonly path: EstatePath
  readonly part: 'key' | 'value'
  readonly message: string
}

/** Lines and columns count from 1; columns are UTF-16 code units, as editors show them. */
export interface Position {
  readonly line: number
  readonly column: number
}

export function problem(path: EstatePath, message: string, part: 'key' | 'value' = 'value'): EstateProblem {
  return { path, part, message }
}

const plainKey = /^[A-Za-z_][\w-]*$/

/** `components.ledger.members.ledger-a.port`, `objectives[0].rpo`; keys with other characters are quoted. */
export function formatPath(path: EstatePath): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else if (!plainKey.test(part)) text += `[${JSON.stringify(part.slice(0, 80))}]`
    else text += text === '' ? part : `.${part}`
  }
  return text === '' ? '(estate)' : text
}
