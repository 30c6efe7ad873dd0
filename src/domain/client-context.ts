import type { ConfiguredEndpoint, ConfiguredPrincipal, TlsFiles } from './process-config.ts'

export const clientContextFormat = 'pointzero/context/1'

/**
 * The file behind `--context` and POINTZERO_CONTEXT: how one person's command line reaches one control plane, as whom. Relative paths
 * are relative to this file, so that the directory can be copied to another machine.
 */
export interface ClientContext {
  readonly format: typeof clientContextFormat
  /** Refused when it is not the estate that the control plane serves. */
  readonly estate: string
  readonly estateFile: string
  readonly controlPlane: ConfiguredEndpoint & { readonly subject: string }
  /** The person's certificate; its subject is `principal`. */
  readonly tls: TlsFiles
  readonly principal: string
  /** PKCS #8 PEM, Ed25519: signs approvals and evidence as `principal`. */
  readonly signingKeyFile: string
  /** It leads into a lab. Only shown: it permits nothing, and nothing is left out because of it. */
  readonly place?: 'lab'
  /** Whose signatures this person believes. */
  readonly pinned: readonly ConfiguredPrincipal[]
}
