import { canonicalJson, type Json } from '../domain/canonical-json.ts'
import { formats, requireFormat } from '../domain/format.ts'
import type { MemberIntent } from '../actions/agent-context.ts'
import { assert, RecoveryError } from '../domain/recovery-error.ts'
import type { Files } from '../ports/files.ts'
import type { GateDoor } from '../ports/traffic-gate.ts'

interface StoredState {
  readonly format: string
  readonly epochs: Readonly<Record<string, number>>
  readonly intents: Readonly<Record<string, StoredIntent>>
  /** Of the gates on this host. Absent in states that were written before gates had doors. */
  readonly doors?: Readonly<Record<string, StoredDoor>>
}

export interface StoredDoor extends GateDoor {
  /** Of the maintenance scope, under which it was last set. */
  readonly epoch: number
}

interface StoredIntent {
  readonly intent: MemberIntent
  /** Epoch of the action that set it. */
  readonly epoch: number
  /** Of the database that was seen running under this intent. Another one in its place is somebody else's. */
  readonly systemIdentifier?: string
}

/**
 * What an agent must never forget: epochs and what each member is meant to be. One small file, replaced atomically and durably;
 * writes are serialised, and memory changes only after the disk did.
 */
export class AgentState {
  readonly #files: Files
  readonly #path: string
  #stored: StoredState
  #queue: Promise<void> = Promise.resolve()

  private constructor(files: Files, path: string, stored: StoredState) {
    this.#files = files
    this.#path = path
    this.#stored = stored
  }

  static async load(files: Files, path: string): Promise<AgentState> {
    const content = await files.read(path)
    if (content === undefined)
      return new AgentState(files, path, { format: formats.agentState, epochs: {}, intents: {} })
    return new AgentState(files, path, decode(content, path))
  }

  epochOf(scope: string): number {
    return this.#stored.epochs[scope] ?? 0
  }

  epochs(): readonly { readonly scope: string; readonly epoch: number }[] {
    return Object.entries(this.#stored.epochs).map(([scope, epoch]) => ({ scope, epoch }))
  }

  intentOf(member: string): MemberIntent {
    return this.#stored.intents[member]?.intent ?? 'none'
  }

  /** Epoch under which the member was last told what to be; 0 when it never was. */
  intentEpochOf(member: string): number {
    return this.#stored.intents[member]?.epoch ?? 0
  }

  /** Which database the intent is about; undefined until it was seen running under it. */
  identityOf(member: string): string | undefined {
    return this.#stored.intents[member]?.systemIdentifier
  }

  /** Once for each intent: what runs later under the same one is compared with it. */
  async bind(member: string, systemIdentifier: string): Promise<void> {
    await this.#change((stored) => {
      const known = stored.intents[member]
      if (known === undefined || known.systemIdentifier !== undefined) return stored
      return { ...stored, intents: { ...stored.intents, [member]: { ...known, systemIdentifier } } }
    })
  }

  async raiseEpoch(scope: string, epoch: number): Promise<void> {
    await this.#change((stored) => {
      if ((stored.epochs[scope] ?? 0) >= epoch) return stored
      return { ...stored, epochs: { ...stored.epochs, [scope]: epoch } }
    })
  }

  /** Also refuses to go back: an intent that was decided under an older epoch is old news. */
  async intend(member: string, intent: MemberIntent, epoch: number): Promise<void> {
    await this.#change((stored) => {
      const known = stored.intents[member]
      if (known !== undefined && known.epoch > epoch) return stored
      if (known?.intent === intent && known.epoch === epoch) return stored
      return { ...stored, intents: { ...stored.intents, [member]: { intent, epoch } } }
    })
  }

  /** Undefined until this host was told for the first time whether its doors are shut. */
  doorOf(gate: string): StoredDoor | undefined {
    return this.#stored.doors?.[gate]
  }

  /** Refuses to go back, like an intent: what was said under an older epoch is old news. */
  async setDoor(gate: string, door: StoredDoor): Promise<void> {
    await this.#change((stored) => {
      const known = stored.doors?.[gate]
      if (known !== undefined && known.epoch > door.epoch) return stored
      return { ...stored, doors: { ...stored.doors, [gate]: door } }
    })
  }

  async #change(edit: (stored: StoredState) => StoredState): Promise<void> {
    const previous = this.#queue
    const mine = (async () => {
      await previous.catch(() => undefined)
      const next = edit(this.#stored)
      if (next === this.#stored) return
      await this.#files.replace(this.#path, new TextEncoder().encode(canonicalJson(next as unknown as Json)))
      this.#stored = next
    })()
    this.#queue = mine
    await mine
  }
}

const intents: ReadonlySet<string> = new Set<MemberIntent>(['none', 'primary', 'standby', 'fenced'])

function isEpoch(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function decode(content: Uint8Array, path: string): StoredState {
  try {
    const parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content)) as StoredState
    requireFormat('agentState', parsed.format, path)
    const epochs = [
      ...Object.values(parsed.epochs),
      ...Object.values(parsed.intents).map(({ epoch }) => epoch),
    ]
    for (const { shut, epoch } of Object.values(parsed.doors ?? {})) {
      assert(typeof shut === 'boolean', 'every stored door is open or shut')
      epochs.push(epoch)
    }
    assert(epochs.every(isEpoch), 'every stored epoch is a number')
    assert(
      Object.values(parsed.intents).every(({ intent }) => intents.has(intent)),
      'every stored intent is known',
    )
    assert(
      Object.values(parsed.intents).every(
        ({ systemIdentifier = '' }) => typeof systemIdentifier === 'string',
      ),
      'every stored identity is text',
    )
    return parsed
  } catch (error) {
    if (error instanceof RecoveryError && error.class !== 'bug') throw error
    throw new RecoveryError({
      code: 'AGENT_STATE_UNREADABLE',
      class: 'refused',
      message: `${path} can not be read: this host may have forgotten an epoch`,
      hint: `move ${path} aside only after \`pointzero status\` shows that another member leads`,
      cause: error,
    })
  }
}
