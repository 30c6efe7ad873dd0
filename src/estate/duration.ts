const form = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,3}))?S)?)?$/

/**
 * Milliseconds of an ISO 8601 duration of fixed length: weeks, days of 24 hours, hours, minutes, seconds. Years and months
 * have no fixed length, so they are not read. Undefined when it is none.
 */
export function parseDurationMs(text: string): number | undefined {
  const match = form.exec(text)
  if (match === null || text === 'P' || text.endsWith('T')) return undefined
  const [, weeks, days, hours, minutes, seconds, fraction] = match.map((part) => part ?? '0')
  const wholeSeconds =
    ((Number(weeks) * 7 + Number(days)) * 24 + Number(hours)) * 3600 + Number(minutes) * 60 + Number(seconds)
  const ms = wholeSeconds * 1000 + Number(fraction?.padEnd(3, '0'))
  return Number.isSafeInteger(ms) ? ms : undefined
}

const units = [
  ['D', 86_400_000],
  ['H', 3_600_000],
  ['M', 60_000],
] as const

/** The shortest exact form: `PT1H30M`, `P7D`, `PT0.25S`. */
export function formatDuration(ms: number): string {
  let rest = ms
  let date = ''
  let time = ''
  for (const [unit, unitMs] of units) {
    const count = Math.floor(rest / unitMs)
    rest -= count * unitMs
    if (count > 0 && unit === 'D') date = `${count}D`
    else if (count > 0) time += `${count}${unit}`
  }
  if (rest > 0) time += `${rest / 1000}S`
  if (date === '' && time === '') return 'PT0S'
  return time === '' ? `P${date}` : `P${date}T${time}`
}
