import { RecoveryError } from './recovery-error.ts'

/** Every persisted or transmitted format names its version in a `format` member: `pointzero/<name>/<version>`. */
export const formats = {
  estate: 'pointzero/estate/1',
  facts: 'pointzero/facts/1',
  plan: 'pointzero/plan/1',
  runJournal: 'pointzero/run-journal/1',
  approval: 'pointzero/approval/1',
  standingApproval: 'pointzero/standing-approval/1',
  principals: 'pointzero/principals/1',
  evidence: 'pointzero/evidence/1',
  agentWire: 'pointzero/agent-wire/1',
  controlStore: 'pointzero/control-store/1',
  maintenance: 'pointzero/maintenance/1',
  agentState: 'pointzero/agent-state/1',
  clientLog: 'pointzero/client-log/1',
  vault: 'pointzero/vault/1',
  vaultManifest: 'pointzero/vault-manifest/1',
  vaultKeys: 'pointzero/vault-keys/1',
  vaultReceipt: 'pointzero/vault-receipt/1',
  vaultPin: 'pointzero/vault-pin/1',
  vaultWriter: 'pointzero/vault-writer/1',
} as const

export type FormatName = keyof typeof formats

/** Refuses an unknown version by name; an older product must not guess at a newer format. */
export function requireFormat(name: FormatName, found: unknown, where: string): void {
  if (found === formats[name]) return
  throw new RecoveryError({
    code: 'FORMAT_UNKNOWN',
    class: 'refused',
    message: `${where}: format ${JSON.stringify(found) ?? 'absent'} is not ${formats[name]}`,
    hint: 'run `pointzero --version` on both sides and use the release that wrote it',
  })
}
