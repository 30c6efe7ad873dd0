import { RecoveryError } from '../domain/recovery-error.ts'
import { hostNamed } from './estate-lookup.ts'
import type { Component, Estate, Host } from './estate.ts'

/** The hosts whose agents keep what is captured and backed up of one component. Absent: no host of the estate does. */
export interface Keepers {
  readonly archive?: Host
  readonly vault?: Host
}

/** The first store that names a host, in the order of the estate: captures of WAL, and backups that are no copies of others. */
export function keepersOf(estate: Estate, { protection }: Component): Keepers {
  const { captures = [], backups = [] } = protection ?? {}
  const archive = firstHost(
    estate,
    captures.filter(({ of }) => of === 'wal'),
  )
  const vault = firstHost(
    estate,
    backups.filter(({ type }) => type !== 'copy'),
  )
  return { ...(archive && { archive }), ...(vault && { vault }) }
}

function firstHost(
  estate: Estate,
  kept: readonly { readonly stores: readonly string[] }[],
): Host | undefined {
  const names = kept.flatMap(({ stores }) => stores)
  const host = names
    .map((wanted) => estate.stores?.find(({ name }) => name === wanted)?.host)
    .find((name) => name !== undefined)
  return host === undefined ? undefined : hostNamed(estate, host)
}

export function keptNowhere(component: string, what: 'WAL archive' | 'vault'): RecoveryError {
  return new RecoveryError({
    code: 'RECOVERY_SOURCE_ABSENT',
    class: 'permanent',
    message: `no host of the estate keeps a ${what} of ${component}`,
    hint: 'declare a store with `host`, and `captures` and `backups` that name it; then `pointzero check`',
  })
}

export function notKeptHere(what: string): RecoveryError {
  return new RecoveryError({
    code: 'COPIES_NOT_HERE',
    class: 'permanent',
    message: `this host keeps nothing of ${what}`,
    hint: 'compare `stores` of the estate with `captures` and `vaults` in the configuration of this agent',
  })
}
