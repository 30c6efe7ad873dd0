/**
 * Methods by which an agent lets others read what it keeps of a component. They change nothing. Every request names the component;
 * bytes are base64, at most `copiesBytesMax` a reply. Part of pointzero/agent-wire/1.
 */
export const copiesMethods = {
  vaultList: 'agent/vault-list',
  vaultHead: 'agent/vault-head',
  vaultGet: 'agent/vault-get',
  archiveList: 'agent/archive-list',
  archiveSizes: 'agent/archive-sizes',
  archiveSize: 'agent/archive-size',
  archiveRead: 'agent/archive-read',
  /** `target` → a ResolvedPoint. For people and the control plane only. */
  resolveTarget: 'agent/resolve-target',
} as const

export const copiesBytesMax = 4 * 1024 * 1024

/** `path` is the prefix, name, folder or path that the method is about. */
export interface CopiesRequest {
  readonly estate: string
  readonly component: string
  readonly path: string
  readonly offset?: number
  readonly length?: number
}

export interface SizeReply {
  /** Absent: there is no such object or file. */
  readonly sizeBytes?: number
}

export interface SizesReply {
  readonly files: readonly { readonly name: string; readonly sizeBytes: number }[]
}

/** Fewer bytes than were asked for: the object or file ends there. */
export interface BytesReply {
  readonly bytes: string
}
