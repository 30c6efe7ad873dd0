import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { Manifest } from './manifest.ts'
import { newStampedId } from './object-names.ts'
import type { StampedId } from './object-names.ts'

/**
 * The epoch that the next snapshot of a source goes into: that of its newest one while it is younger than `maxAgeMs`, else a new
 * one. An epoch whose age can not be told (the clock went back) is not continued: a new one costs space, nothing else.
 */
export function chooseEpoch(
  earlier: readonly Manifest[],
  { maxAgeMs, signer }: { readonly maxAgeMs: number; readonly signer: string },
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): StampedId {
  const newest = earlier.at(-1)
  if (newest !== undefined) {
    const opened = earlier.find(({ epoch }) => epoch === newest.epoch) ?? newest
    const ageMs = clock.now() - opened.startedAtMs
    // Another writer has another id key: nothing of theirs could be shared.
    if (ageMs >= 0 && ageMs < maxAgeMs && newest.signer === signer) return newest.epoch
  }
  return newStampedId(clock, random)
}
