import { publishedCaptures } from '../../estate/published-rule.ts'
import type { ClusterScene } from './cluster-facts.ts'

/**
 * A new primary opens with its members alone: the archive's host may have been lost with the old one, and its receiver needs a moment to follow.
 * No commit waits for that, and what is no longer promised is part of what is approved.
 */
export function droppedCaptures({ cluster, facts }: ClusterScene): readonly string[] {
  return publishedCaptures(cluster, facts).map(
    (name) =>
      `commits wait for the capture ${name} no more, until \`pointzero run synchronous-capture --param switch=on\``,
  )
}
