import { canonicalJson } from '../../domain/canonical-json.ts'
import type { Json } from '../../domain/canonical-json.ts'
import type { PlanDifference } from '../plan-differences.ts'
import type { Paint } from './paint.ts'
import { plainText } from './plain-text.ts'

const valueCharactersMax = 400

/** `-` is what the plan with that hash says, `+` what the plan of now says. */
export function planDifferenceText(
  differences: readonly PlanDifference[],
  hash: string,
  paint: Paint,
): string {
  if (differences.length === 0) return `The plan of now is exactly ${hash}.\n`
  const hasOthersThanFacts = differences.some(({ what }) => what !== 'factsDigest')
  return [
    `The plan of now differs from ${hash}:\n\n`,
    ...differences.map(({ what, before, now }) =>
      [
        `${paint('bold', plainText(what))}\n`,
        paint('red', `  - ${valueText(before)}`),
        '\n',
        paint('green', `  + ${valueText(now)}`),
        '\n',
      ].join(''),
    ),
    hasOthersThanFacts
      ? ''
      : 'Its steps are the same; what was observed of members, gates or instances is not.\n',
  ].join('')
}

function valueText(value: Json | undefined): string {
  if (value === undefined) return 'absent'
  const text = plainText(canonicalJson(value))
  return text.length > valueCharactersMax ? `${text.slice(0, valueCharactersMax)}…` : text
}
