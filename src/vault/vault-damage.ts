import { RecoveryError } from '../domain/recovery-error.ts'

/** Something in the vault is not what was written: names the object, and the place in it. */
export function damaged(object: string, what: string, cause?: unknown): RecoveryError {
  return new RecoveryError({
    code: 'VAULT_DAMAGED',
    class: 'permanent',
    message: `${object}: ${what}`,
    hint: 'see everything that is damaged with `pointzero vault verify`, and restore another snapshot or from another store',
    context: { object },
    ...(cause === undefined ? {} : { cause }),
  })
}

/** Not what one of the pinned writers made for this vault. */
export function notGenuine(object: string, what: string): RecoveryError {
  return new RecoveryError({
    code: 'VAULT_NOT_GENUINE',
    class: 'refused',
    message: `${object}: ${what}`,
    hint: 'do not restore it; compare the pinned keys with those that `pointzero vault init` printed, then find out who wrote this',
    context: { object },
  })
}
