import { spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { RecoveryError } from '../domain/recovery-error.ts'
import { evidencePage } from '../evidence/evidence-page.ts'
import { evidenceText } from '../evidence/evidence-bundle.ts'
import type { EvidenceBundle } from '../evidence/evidence-bundle.ts'

export interface KeptEvidence {
  readonly bundle: string
  readonly page: string
  /** Public keys that the lab's people pinned: a lab is gone soon, and its contexts with it. */
  readonly keys: string
}

const verifier = join(import.meta.dirname, '..', '..', 'tools', 'evidence-verifier', 'verify.mjs')

/** Writes the bundle, its page and the keys to verify it with, and has the separate verifier read what was written. */
export async function keepEvidence(
  bundle: EvidenceBundle,
  pinned: readonly { readonly id: string; readonly publicKey: string }[],
  directory: string,
): Promise<KeptEvidence> {
  const base = join(resolve(directory), bundle.head.run)
  const files: KeptEvidence = { bundle: `${base}.json`, page: `${base}.html`, keys: `${base}.keys.json` }
  await mkdir(resolve(directory), { recursive: true })
  await writeFile(files.bundle, evidenceText(bundle))
  await writeFile(files.page, evidencePage(bundle))
  await writeFile(
    files.keys,
    `${JSON.stringify(Object.fromEntries(pinned.map(({ id, publicKey }) => [id, publicKey])))}\n`,
  )
  const judged = spawnSync(process.execPath, [verifier, '--keys', files.keys, files.bundle], {
    encoding: 'utf8',
  })
  if (judged.status === 0) return files
  throw new RecoveryError({
    code: 'EVIDENCE_NOT_GENUINE',
    class: 'permanent',
    message:
      `the separate verifier does not believe the bundle that was just made: ${judged.stdout}${judged.stderr}`.trim(),
    hint: `look at it with \`pointzero evidence verify ${files.bundle} --keys ${files.keys}\``,
  })
}
