import type { CaptureConfig } from './capture-config.ts'
import type { ComponentId } from './id.ts'

/** How an agent logs in where its configuration does not say: as the component of the estate does. */
interface Login {
  /** A role with REPLICATION. */
  readonly user?: string
  /** `env:NAME` or `file:/absolute/path`. */
  readonly passwordRef?: string
  readonly tls?: NonNullable<CaptureConfig['tls']>
}

/** A WAL archive that this host keeps. Where the primary may be, and which database it is, says the estate. */
export interface AgentCaptureConfig
  extends
    Login,
    Pick<
      CaptureConfig,
      | 'archiveDirectory'
      | 'applicationName'
      | 'slot'
      | 'allowUnlimitedSlot'
      | 'statusIntervalMs'
      | 'silenceMs'
    > {
  readonly component: ComponentId
}

/** A vault that this host keeps. */
export interface AgentVaultConfig extends Login {
  readonly component: ComponentId
  readonly storeDirectory: string
  /** vault.pin.json of `pointzero vault init`. */
  readonly pinFile: string
  /** writer.json. Absent: this host serves copies and makes none. */
  readonly writerFile?: string
}

/** What opens the copies of a component, on a host that restores it. */
export interface AgentRecoveryKeyConfig {
  readonly component: ComponentId
  readonly pinFile: string
  /** PEM, mode 0600: whoever reads it can read every copy. */
  readonly recoveryKeyFile: string
}
