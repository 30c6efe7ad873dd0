import type { Json } from '../../domain/canonical-json.ts'
import { RecoveryError } from '../../domain/recovery-error.ts'
import type { BytesReply, CopiesRequest } from '../../ports/copies-wire.ts'
import type { World } from '../../ports/world.ts'

/** Where the copies of one component are kept, as seen from another host. */
export interface CopiesPlace {
  readonly estate: string
  readonly component: string
  readonly host: {
    readonly id: string
    readonly name: string
    readonly address: string
    readonly agentPort: number
  }
}

type Asked = Omit<CopiesRequest, 'estate' | 'component'>

const callTimeoutMs = 20_000
const attempts = 4
const pauseMs = 250

/** Asks the agent that keeps them. Reading may be repeated: what was not answered is asked for again, a few times. */
export class CopiesCall {
  readonly #world: Pick<World, 'network' | 'clock'>
  readonly #place: CopiesPlace

  constructor(world: Pick<World, 'network' | 'clock'>, place: CopiesPlace) {
    this.#world = world
    this.#place = place
  }

  get name(): string {
    return `${this.#place.component} on ${this.#place.host.name}`
  }

  async ask(method: string, asked: Asked): Promise<Json> {
    const { estate, component, host } = this.#place
    const endpoint = { address: host.address, port: host.agentPort }
    const options = { timeoutMs: callTimeoutMs, expectSubject: host.id }
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#world.network.call(endpoint, method, { estate, component, ...asked }, options)
      } catch (error) {
        if (!isUnanswered(error)) throw error
        if (attempt === attempts) throw unreachable(this.name, error)
        await this.#world.clock.sleep(pauseMs * attempt)
      }
    }
  }

  async bytes(method: string, asked: Asked): Promise<Uint8Array> {
    const reply = (await this.ask(method, asked)) as unknown as BytesReply
    const { buffer, byteOffset, length } = Buffer.from(reply.bytes, 'base64')
    return new Uint8Array(buffer, byteOffset, length)
  }
}

function isUnanswered(error: unknown): error is RecoveryError {
  const codes = ['NETWORK_UNREACHABLE', 'NETWORK_REPLY_LOST']
  return error instanceof RecoveryError && codes.includes(error.code)
}

function unreachable(name: string, cause: RecoveryError): RecoveryError {
  return new RecoveryError({
    code: 'STORE_UNREACHABLE',
    class: 'transient',
    message: `the copies of ${name} can not be read: ${cause.message}`,
    hint: 'see whether that host answers: `pointzero status`',
    cause,
  })
}
