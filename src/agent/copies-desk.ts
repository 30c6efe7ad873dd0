import type { Json } from '../domain/canonical-json.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { hostNamed } from '../estate/estate-lookup.ts'
import type { Estate } from '../estate/estate.ts'
import { notKeptHere } from '../estate/keepers.ts'
import { copiesBytesMax, copiesMethods } from '../ports/copies-wire.ts'
import type { CopiesRequest } from '../ports/copies-wire.ts'
import type { KeptCopies } from '../ports/kept-copies.ts'
import type { ArchiveReader, ObjectReader } from '../ports/recovery-source.ts'
import { requireEstate } from './action-desk.ts'

const served: ReadonlySet<string> = new Set(Object.values(copiesMethods))
/** The names that an archive gives its own files, and the folders it puts them in. */
const archiveName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,200}$/

/** Where others read what this host keeps: the hosts of a component's own members, to restore it, and executors. */
export class CopiesDesk {
  readonly #estate: Estate
  readonly #copies: readonly KeptCopies[]

  constructor(estate: Estate, copies: readonly KeptCopies[]) {
    this.#estate = estate
    this.#copies = copies
  }

  serves(method: string): boolean {
    return served.has(method)
  }

  /** Other people's hosts may read where a member of theirs lives; resolving is for executors. */
  isReader(method: string, body: Json, subject: string): boolean {
    if (method === copiesMethods.resolveTarget || !subject.startsWith('hst_')) return false
    const component = this.#estate.components.find(({ id }) => id === componentOf(body))
    if (component?.kind !== 'postgres') return false
    return component.members.some(({ host }) => hostNamed(this.#estate, host).id === subject)
  }

  async handle(method: string, body: Json): Promise<Json> {
    const request = requestOf(body)
    requireEstate(this.#estate.id, request.estate)
    const kept = this.keptOf(request.component)
    switch (method) {
      case copiesMethods.vaultList:
        return { objects: (await vaultOf(kept).list(request.path)).map((object) => ({ ...object })) }
      case copiesMethods.vaultHead:
        return sizeReply((await vaultOf(kept).head(request.path))?.sizeBytes)
      case copiesMethods.vaultGet:
        return bytesReply(await readObject(vaultOf(kept), request))
      case copiesMethods.archiveList:
        return { names: [...(await archiveOf(kept).list(archivePath(request.path, 1)))] }
      case copiesMethods.archiveSizes: {
        const sizes = await archiveOf(kept).sizes(archivePath(request.path, 1))
        return { files: [...sizes].map(([name, sizeBytes]) => ({ name, sizeBytes })) }
      }
      case copiesMethods.archiveSize:
        return sizeReply(await archiveOf(kept).sizeOf(archivePath(request.path, 2)))
      case copiesMethods.archiveRead: {
        const { offset, length } = rangeOf(request)
        return bytesReply(await archiveOf(kept).read(archivePath(request.path, 2), offset, length))
      }
      default:
        return (await kept.resolve(request.path)) as unknown as Json
    }
  }

  /** COPIES_NOT_HERE when it is kept elsewhere, or nowhere. */
  keptOf(component: string): KeptCopies {
    const kept = this.#copies.find((one) => one.component === component)
    if (kept !== undefined) return kept
    throw notKeptHere(component)
  }
}

/** An object is read to its end when it ends before the range does: whoever asked knows its size. */
async function readObject(vault: ObjectReader, request: CopiesRequest): Promise<Uint8Array> {
  const { offset, length } = rangeOf(request)
  const size = (await vault.head(request.path))?.sizeBytes
  const until = size === undefined ? offset + length : Math.min(size, offset + length)
  return vault.get(request.path, { offset: Math.min(offset, until), length: Math.max(until - offset, 0) })
}

function requestOf(body: Json): CopiesRequest {
  const request = body as unknown as Partial<CopiesRequest> | null
  const isText = [request?.estate, request?.component, request?.path].every((one) => typeof one === 'string')
  if (isText) return request as CopiesRequest
  throw invalid('it names no component or path')
}

function componentOf(body: Json): string {
  const { component } = (body ?? {}) as { readonly component?: unknown }
  return typeof component === 'string' ? component : ''
}

function rangeOf({ offset = 0, length = 0 }: CopiesRequest): { offset: number; length: number } {
  const isWhole = [offset, length].every((one) => Number.isSafeInteger(one) && one >= 0)
  if (isWhole && length <= copiesBytesMax) return { offset, length }
  throw invalid(`not a range of at most ${copiesBytesMax} bytes`)
}

/** The archive trusts the names it is given: here they come from another host. */
function archivePath(path: string, partsMax: number): string {
  const parts = path === '' ? [] : path.split('/')
  if (parts.length <= partsMax && parts.every((part) => archiveName.test(part))) return path
  throw invalid(`not a name in an archive: ${JSON.stringify(path.slice(0, 200))}`)
}

function vaultOf({ vault, component }: KeptCopies): ObjectReader {
  if (vault !== undefined) return vault
  throw notKeptHere(`the vault of ${component}`)
}

function archiveOf({ archive, component }: KeptCopies): ArchiveReader {
  if (archive !== undefined) return archive
  throw notKeptHere(`the archive of ${component}`)
}

function sizeReply(sizeBytes: number | undefined): Json {
  return sizeBytes === undefined ? {} : { sizeBytes }
}

function bytesReply(bytes: Uint8Array): Json {
  return { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64') }
}

function invalid(message: string): RecoveryError {
  return new RecoveryError({
    code: 'COPIES_REQUEST_INVALID',
    class: 'permanent',
    message: `refused to read a copy: ${message}`,
    hint: 'run `pointzero --version` on both hosts and install the same release',
  })
}
