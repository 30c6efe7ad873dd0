/** One observer's account of a primary, from its own place. */
export interface ObserverReading {
  /** Zone name, or `control`: observers in one place count once. */
  readonly place: string
  /** Silence that the observer had measured when it reported. */
  readonly silentMs: number
  /** Age of that report now, with the age that its last probe had in it. */
  readonly ageMs: number
}

/** What the agent beside the primary says, when its report is fresh. */
export interface OwnReading {
  readonly role: string
  readonly ageMs: number
}

export interface DetectionInput {
  readonly detectMs: number
  /** Zone of the primary: observers there do not count as independent. */
  readonly zone: string
  readonly own: OwnReading | undefined
  readonly observers: readonly ObserverReading[]
}

export type Detection =
  | { readonly state: 'up' | 'unknown' | 'degraded'; readonly reason: string; readonly silentMs: number }
  | { readonly state: 'down'; readonly reason: string; readonly silentMs: number }

/** Independent places that must agree before a silent primary counts as down. */
const placesNeeded = 2

/**
 * Decides about one primary from several vantage points. Silence counts only as far as an observer measured it: a report that is
 * old, or that comes from an observer which itself was stopped, makes the answer unknown, never down (law 7). The agent beside
 * the primary is believed at once when it says that the postmaster ended. Pure.
 */
export function detectFailure(input: DetectionInput): Detection {
  const { own, detectMs } = input
  if (own !== undefined && own.ageMs <= detectMs && own.role === 'stopped') {
    return { state: 'down', reason: 'the agent beside it saw it end', silentMs: own.ageMs }
  }
  const fresh = independent(input).filter(({ ageMs }) => ageMs <= detectMs)
  const silent = fresh.filter(({ silentMs }) => silentMs >= detectMs)
  const silentMs = Math.max(0, ...fresh.map((reading) => reading.silentMs))
  if (fresh.length === 0)
    return { state: 'unknown', reason: 'no independent observer reported lately', silentMs }
  const account = `${silent.length} of ${fresh.length} independent observers had no answer for ${detectMs} ms (${silent.map(({ place }) => place).join(', ')})`
  if (silent.length >= placesNeeded) return { state: 'down', reason: account, silentMs }
  if (silent.length > 0) return { state: 'degraded', reason: account, silentMs }
  return { state: 'up', reason: `${fresh.length} independent observers get answers`, silentMs }
}

/** The freshest reading of each place outside the primary's zone, in order of place. */
function independent(input: DetectionInput): readonly ObserverReading[] {
  const best = new Map<string, ObserverReading>()
  for (const reading of input.observers) {
    const known = best.get(reading.place)
    if (reading.place !== input.zone && (known === undefined || reading.ageMs < known.ageMs))
      best.set(reading.place, reading)
  }
  return [...best.values()].sort((a, b) => (a.place < b.place ? -1 : 1))
}
