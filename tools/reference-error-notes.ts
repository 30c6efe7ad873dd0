import type { ErrorEntry } from './reference-errors.ts'

type Note = Partial<Pick<ErrorEntry, 'classes' | 'messages' | 'hints'>>

/** For codes whose class, message or hint the source computes: what to say instead. */
export const errorNotes: Readonly<Record<string, Note>> = {
  BUG: { messages: ['whatever was thrown that is not an error of ours'] },
  DRILL_NOT_AVAILABLE: {
    messages: ['what this version lacks for a rehearsal of that scenario, or that there is no sandbox'],
  },
  ESTATE_INVALID: { messages: ['one line `file:line:col: path: what; what to do` for each problem'] },
  EVIDENCE_NOT_GENUINE: {
    messages: ['the separate verifier does not believe the bundle that was just made'],
  },
  FILE_NOT_REPLACED: { messages: ['the path, and what the system said'] },
  HEARTBEAT_UNANSWERED: { messages: ['what the control plane answered instead'] },
  KEY_INVALID: { messages: ['not a private key in PEM form, or not an Ed25519 one'] },
  LAB_NO_NAMESPACES: { messages: ['what this machine lacks for network namespaces'] },
  PG_NAME_INVALID: { messages: ['the name, and what PostgreSQL allows'] },
  PG_SERVER_ERROR: {
    classes: ['transient', 'refused', 'permanent'],
    messages: ["the server's own message with its SQLSTATE, which also decides the class"],
    hints: ["look the SQLSTATE up in PostgreSQL's documentation; the member's log has the details"],
  },
  PRINCIPAL_REFUSED: {
    messages: ['somebody else has this key, or the control plane itself would lose its role'],
  },
  REVOCATION_IMPOSSIBLE: {
    hints: [
      'bring the agents of enough standbys back, or find out that the old primary is alive: `pointzero status`',
    ],
  },
  STEP_TIMEOUT: { classes: ['transient', 'unknown-outcome'] },
  STORE_REPLY_LOST: { classes: ['unknown-outcome'] },
  STORE_UNREACHABLE: { classes: ['transient'] },
  TARGET_INVALID: { messages: ['what was written, and why it names no point in the WAL'] },
  TARGET_UNREACHABLE: {
    classes: ['refused'],
    messages: [
      'what can not be reached and why, the nearest point, and what it loses in seconds and transactions',
    ],
    hints: ['take the nearest point on purpose, or bring the missing WAL or backup back: `pointzero points`'],
  },
  VAULT_CHAIN_BROKEN: {
    classes: ['refused'],
    messages: [
      'which manifest follows none, a missing one, or the same one as another; `vault list` reports it',
    ],
    hints: ['find out who removed or added a manifest; each snapshot that is listed can still be restored'],
  },
  VAULT_KEY_INVALID: {
    messages: ['not a private key in PEM form, not an X25519 one, or not 32 bytes in base64url'],
  },
  USAGE: {
    messages: ['what is wrong with the command line'],
    hints: ['what the error itself says, or `pointzero <command> --help`'],
  },
}
