import type { Clock } from '../../ports/clock.ts'
import type { CertificateObservation } from '../../ports/database-member.ts'
import { waitUntil } from './deadline.ts'
import type { PostgresMemberConfig } from './member-config.ts'
import { isPlaced, placeTls, readIdentity } from './member-tls.ts'
import type { MemberIdentity } from './member-tls.ts'
import { permanent } from './postgres-failure.ts'
import { refusesWritesOnDisk, writeSettings } from './postgres-settings.ts'
import type { Postmaster } from './postmaster.ts'
import { presentedCertificate } from './presented-certificate.ts'

/** A frozen server shows nothing; nobody waits long for it. */
const handshakeMs = 1_000
const takenMs = 2_000
/** A server that did not take a certificate is not asked all the time. */
const againMs = 60_000
const dayMs = 86_400_000
const soonMs = 30 * dayMs

/** Sees to it that the server shows the certificate that lies on its host, without a restart. */
export class CertificateWatch {
  readonly #config: PostgresMemberConfig
  readonly #clock: Clock
  readonly #postmaster: Postmaster
  /** Digest of what the running server was seen to show. */
  #shown: string | undefined
  #notTaken: { readonly digest: string; readonly atMs: number } | undefined
  #validUntilMs: number | undefined
  #problem: string | undefined

  constructor(config: PostgresMemberConfig, clock: Clock, postmaster: Postmaster) {
    this.#config = config
    this.#clock = clock
    this.#postmaster = postmaster
    postmaster.onExit(() => (this.#shown = undefined))
  }

  observation(): CertificateObservation | undefined {
    if (this.#validUntilMs === undefined && this.#problem === undefined) return undefined
    return {
      ...(this.#validUntilMs === undefined ? {} : { validUntilMs: this.#validUntilMs }),
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
    }
  }

  /** Looks at the files, and at what the server shows when that is not known. False for one that does not run: it takes them at its start. */
  async isDue(): Promise<boolean> {
    return await this.#noting(async () => {
      const wanted = await this.#wanted()
      if (wanted === undefined || wanted.digest === this.#shown || this.#isExpired()) return false
      if (this.#notTaken?.digest === wanted.digest) {
        if (this.#clock.monotonicMs() - this.#notTaken.atMs < againMs) throw notTaken(this.#config)
      }
      if (!(await this.#isRunning())) return false
      if (!(await isPlaced(this.#config, wanted)) || !(await this.#isShown(wanted))) return true
      this.#shown = wanted.digest
      return false
    })
  }

  /** Idempotent; resolves when the server was seen to show it, under its own address. */
  async renew(): Promise<void> {
    await this.#noting(async () => {
      const wanted = await this.#wanted()
      if (wanted === undefined || !(await this.#isRunning())) return
      await placeTls(this.#config, wanted)
      await writeSettings(this.#config, await refusesWritesOnDisk(this.#config))
      this.#postmaster.signal('SIGHUP')
      const isTaken = async () => ((await this.#isShown(wanted)) ? true : undefined)
      if ((await waitUntil(this.#clock, takenMs, 50, isTaken)) === true) {
        this.#shown = wanted.digest
        return
      }
      this.#notTaken = { digest: wanted.digest, atMs: this.#clock.monotonicMs() }
      throw notTaken(this.#config)
    })
  }

  async #wanted(): Promise<MemberIdentity | undefined> {
    const { name, tls } = this.#config
    if (tls === undefined) return undefined
    const wanted = await readIdentity(name, tls)
    this.#validUntilMs = wanted.validUntilMs
    return wanted
  }

  /** The authority counts as shown with the certificate that it signed: both are written together, and loaded by the same signal. */
  async #isShown({ authorityPem: authority, fingerprint }: MemberIdentity): Promise<boolean> {
    const { name, address, port } = this.#config
    const asked = { name, address, port, authority }
    return (await presentedCertificate(this.#clock, asked, handshakeMs)) === fingerprint
  }

  async #isRunning(): Promise<boolean> {
    return (await this.#postmaster.find()) !== undefined
  }

  #isExpired(): boolean {
    return (this.#validUntilMs ?? 0) <= this.#clock.now()
  }

  /** What is wrong is what was wrong the last time that somebody looked. */
  async #noting<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await work()
      this.#problem = this.#validity()
      return result
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error)
      throw error
    }
  }

  #validity(): string | undefined {
    if (this.#validUntilMs === undefined) return undefined
    const leftMs = this.#validUntilMs - this.#clock.now()
    const at = Temporal.Instant.fromEpochMilliseconds(this.#validUntilMs).toString()
    if (leftMs <= 0) return `its certificate expired at ${at}: nobody follows it any more`
    return leftMs < soonMs
      ? `its certificate expires in ${Math.floor(leftMs / dayMs)} days, at ${at}`
      : undefined
  }
}

function notTaken({ name, logFile }: PostgresMemberConfig): Error {
  const hint = `read ${logFile} on the host: it names why the server kept the old one`
  return permanent(
    'PG_CERTIFICATE_NOT_TAKEN',
    `${name} does not show the certificate that lies on its host`,
    hint,
  )
}
