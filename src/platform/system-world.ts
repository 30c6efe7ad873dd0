import type { Log } from '../ports/log.ts'
import type { World } from '../ports/world.ts'
import type { TlsIdentity } from './certificates.ts'
import { HttpsNetwork } from './https-network.ts'
import { JsonLog } from './json-log.ts'
import { SystemClock } from './system-clock.ts'
import { SystemFiles } from './system-files.ts'
import { SystemRandom } from './system-random.ts'

export interface SystemWorld extends World {
  readonly network: HttpsNetwork
  readonly clock: SystemClock
}

/** The real World of one process, which proves itself to others with `identity`. */
export function systemWorld(
  identity: TlsIdentity,
  log: Log = new JsonLog({ who: identity.subject }),
): SystemWorld {
  return {
    clock: new SystemClock(),
    random: new SystemRandom(),
    network: new HttpsNetwork(identity, log),
    files: new SystemFiles(),
    log,
  }
}
