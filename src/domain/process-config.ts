import type { AgentCaptureConfig, AgentRecoveryKeyConfig, AgentVaultConfig } from './copies-config.ts'
import type { ComponentId, HostId, MemberId } from './id.ts'

export const agentConfigFormat = 'pointzero/agent-config/1'
export const serveConfigFormat = 'pointzero/serve-config/1'

/** PEM files of one process: its own certificate and key, and the authority that signs every peer it talks to. */
export interface TlsFiles {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** Where a process listens or is found. A copy of the network port's Endpoint: configuration is plain data. */
export interface ConfiguredEndpoint {
  readonly address: string
  readonly port: number
}

/** Drop to these before starting a server that refuses to run as root. */
export interface RunAs {
  readonly uid: number
  readonly gid: number
}

/** The file that `pointzero agent --config` reads. Every path is absolute and on this host; nothing is shared with another host. */
export interface AgentConfig {
  readonly format: typeof agentConfigFormat
  readonly estateFile: string
  readonly hostId: HostId
  readonly listen: ConfiguredEndpoint
  readonly controlPlane: ConfiguredEndpoint & { readonly subject: string }
  /** Highest epoch seen and the like: survives a restart of the agent. */
  readonly stateDirectory: string
  readonly tls: TlsFiles
  readonly heartbeatMs: number
  /** Members on this host. */
  readonly postgres: readonly AgentPostgresConfig[]
  /** Listeners on this host of components of kind gate. */
  readonly gates: readonly AgentGateConfig[]
  /** Instances on this host of components of kind compute. */
  readonly computes: readonly AgentComputeConfig[]
  /** What is captured of components onto this host. */
  readonly captures?: readonly AgentCaptureConfig[]
  /** Vaults on this host. */
  readonly vaults?: readonly AgentVaultConfig[]
  /** Of components that this host may restore. */
  readonly recoveryKeys?: readonly AgentRecoveryKeyConfig[]
}

export interface AgentPostgresConfig {
  readonly component: ComponentId
  readonly member: MemberId
  /** Holds initdb, pg_ctl and postgres; pg_rewind where there is one. */
  readonly binDirectory: string
  /** Absent: the agent's own user. */
  readonly runAs?: RunAs
  /** Unix sockets ignore network namespaces, so every member has a directory of its own. */
  readonly socketDirectory: string
  readonly logFile: string
  /**
   * What the server shows to clients and other members, and whose signature it demands of its upstream; the agent's own files will do. The
   * certificate has the host's address in it. Absent: replication is not encrypted by us.
   */
  readonly tls?: TlsFiles
  /** 32 bytes in hex: the key of the canary ledger's HMAC. */
  readonly canaryKeyFile: string
}

export interface AgentGateConfig {
  readonly component: ComponentId
  /** The address that the listener binds; the port is the estate's. */
  readonly bindAddress: string
}

export interface AgentComputeConfig {
  readonly component: ComponentId
  readonly workingDirectory: string
  readonly logFile: string
  readonly runAs?: RunAs
  /** Replaces the agent's environment, except PATH. */
  readonly environment: Readonly<Record<string, string>>
}

/** The file that `pointzero serve --config` reads. */
export interface ServeConfig {
  readonly format: typeof serveConfigFormat
  readonly estateFile: string
  readonly listen: ConfiguredEndpoint
  /** SQLite database of the control store; made when absent. */
  readonly storeFile: string
  readonly tls: TlsFiles
  /** The identity in this process's certificate: `prn_…`. */
  readonly subject: string
  /** PKCS #8 PEM, Ed25519: signs standing approvals and evidence as `subject`. */
  readonly signingKeyFile: string
  /** All that it leads is made to be broken: it opens drills and nothing else. Without it, it opens no drill. */
  readonly sandbox?: true
  /** Who may ask and approve, by pinned public key (raw Ed25519, base64url). */
  readonly principals: readonly ConfiguredPrincipal[]
}

export interface ConfiguredPrincipal {
  readonly id: string
  readonly name: string
  readonly publicKey: string
  readonly roles: readonly ('operator' | 'approver' | 'control-plane' | 'auditor')[]
}
