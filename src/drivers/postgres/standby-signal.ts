import { join } from 'node:path'
import type { RunAs } from './member-config.ts'
import { exists, removeDurably, replaceOwnedFile } from './owned-file.ts'

/** With this file PostgreSQL starts as a standby, whatever it was before. Durable when it resolves. */
export async function writeStandbySignal(dataDirectory: string, owner: RunAs | undefined): Promise<void> {
  // recovery.signal would win over nothing here, but it asks for an archive recovery that ends in a promotion.
  await removeDurably(join(dataDirectory, 'recovery.signal'))
  const path = join(dataDirectory, 'standby.signal')
  if (!(await exists(path))) await replaceOwnedFile(path, '', owner)
}
