import { escapeHtml } from './html.ts'
import { recoveryPhases } from './recovery-times.ts'
import type { RecoveryTimes } from './recovery-times.ts'

const width = 960
const barTop = 34
const barHeight = 34

/** The split as one bar. Its numbers stand in a table beside it, so the picture carries nothing alone. */
export function recoveryTimelineSvg(times: RecoveryTimes): string {
  const total = times.totalMs
  if (total === undefined || total <= 0) return ''
  let from = 0
  const parts = recoveryPhases.flatMap((phase) => {
    const durationMs = times.parts[phase]
    if (durationMs === undefined) return []
    const x = Math.round((from / total) * width)
    const partWidth = Math.max(Math.round((durationMs / total) * width), 1)
    from += durationMs
    const label = partWidth < 70 ? '' : `<text x="${x + 6}" y="${barTop + 22}">${escapeHtml(phase)}</text>`
    const bar = `<rect class="phase ${phase}" x="${x}" y="${barTop}" width="${partWidth}" height="${barHeight}"/>`
    return [`<g><title>${escapeHtml(`${phase}: ${durationMs} ms`)}</title>${bar}${label}</g>`]
  })
  const spoken = recoveryPhases
    .filter((phase) => times.parts[phase] !== undefined)
    .map((phase) => `${phase} ${times.parts[phase]} ms`)
    .join(', ')
  return [
    `<svg role="img" viewBox="0 0 ${width} 90" aria-label="${escapeHtml(`Recovery time ${total} ms: ${spoken}`)}">`,
    `<text x="0" y="20">first failed request</text>`,
    `<text x="${width}" y="20" text-anchor="end">first acknowledged write</text>`,
    ...parts,
    `<text x="${width}" y="86" text-anchor="end">${total} ms</text>`,
    '</svg>',
  ].join('\n')
}
