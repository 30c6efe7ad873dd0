import type { Json } from '../domain/canonical-json.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { ControlStore, StoreEntry, StoreTransaction } from '../ports/control-store.ts'
import type { CallHandler } from '../ports/network.ts'

/** The control store over the network: only the control plane has the file open. */
export const storeMethods = {
  get: 'store/get',
  list: 'store/list',
  transact: 'store/transact',
  changes: 'store/changes',
} as const

/** Bodies of the calls. Replies: an entry or null, a list of entries, a transaction result. */
export interface StoreBodies {
  readonly get: { readonly key: string }
  readonly list: { readonly prefix: string }
  readonly transact: StoreTransaction
  readonly changes: { readonly prefix: string; readonly afterRevision: number; readonly timeoutMs: number }
}

const changesMaxMs = 60_000

/** Serves a control store to principals of one estate. Agents are refused: what they need they are told in heartbeats. */
export function storeHandler(store: ControlStore, root: string): CallHandler {
  return async (method, body, peer) => {
    if (!peer.subject.startsWith('prn_')) throw notForHosts(peer.subject)
    const fields = fieldsOf(body)
    switch (method) {
      case storeMethods.get:
        return ((await store.get(text(fields, 'key', root))) ?? null) as Json
      case storeMethods.list:
        return entries(await store.list(text(fields, 'prefix', root)))
      case storeMethods.transact: {
        const { succeeded, revision } = await store.transact(transactionOf(fields, root))
        return { succeeded, revision }
      }
      case storeMethods.changes: {
        const waitMs = Math.min(whole(fields, 'timeoutMs'), changesMaxMs)
        return entries(
          await store.changes(text(fields, 'prefix', root), whole(fields, 'afterRevision'), waitMs),
        )
      }
      default:
        throw invalid(`there is no method ${method}`)
    }
  }
}

type Fields = { readonly [key: string]: Json | undefined }

function fieldsOf(body: Json | undefined): Fields {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw invalid('the body is not an object')
  return body as Fields
}

function transactionOf(fields: Fields, root: string): StoreTransaction {
  const compare = array(fields, 'compare').map((member) => {
    const entry = fieldsOf(member)
    return { key: text(entry, 'key', root), revision: whole(entry, 'revision') }
  })
  const put = array(fields, 'put').map((member) => {
    const entry = fieldsOf(member)
    return { key: text(entry, 'key', root), value: text(entry, 'value', '') }
  })
  return { compare, put }
}

function text(fields: Fields, name: string, prefix: string): string {
  const value = fields[name]
  if (typeof value !== 'string') throw invalid(`${name} is not a text`)
  if (!value.startsWith(prefix)) throw invalid(`${name} is not a key of this estate`)
  return value
}

function whole(fields: Fields, name: string): number {
  const value = fields[name]
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw invalid(`${name} is not a whole number`)
}

function array(fields: Fields, name: string): readonly Json[] {
  const value = fields[name]
  if (!Array.isArray(value)) throw invalid(`${name} is not a list`)
  return value as readonly Json[]
}

function entries(found: readonly StoreEntry[]): Json {
  return found.map(({ key, value, revision }) => ({ key, value, revision }))
}

function invalid(problem: string): RecoveryError {
  return new RecoveryError({
    code: 'STORE_REQUEST_INVALID',
    class: 'permanent',
    message: `not a request to the control store: ${problem}`,
    hint: 'use the same release of Pointzero on both sides',
  })
}

function notForHosts(subject: string): RecoveryError {
  return new RecoveryError({
    code: 'STORE_FORBIDDEN',
    class: 'refused',
    message: `${subject} is not a principal and may not use the control store`,
    hint: 'use the certificate of a principal',
  })
}
