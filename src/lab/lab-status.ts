import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientContext } from '../domain/client-context.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { systemWorld } from '../platform/system-world.ts'
import { statusMethods } from '../server/status-wire.ts'
import type { ControlPlaneStatus } from '../server/status-wire.ts'
import { personContext } from './lab-paths.ts'
import type { LabState } from './lab-state.ts'

const callTimeoutMs = 5_000
const settleTimeoutMs = 60_000

/** The control plane's own view, asked for as the operator. Not through the command line: a process for each look would be the load. */
export async function statusOf(state: LabState): Promise<ControlPlaneStatus> {
  return await statusReader(state)()
}

/** The same, asked for again and again. */
export async function untilStatus(
  state: LabState,
  what: string,
  holds: (status: ControlPlaneStatus) => boolean,
  timeoutMs = settleTimeoutMs,
): Promise<ControlPlaneStatus> {
  const read = statusReader(state)
  let seen = ''
  for (const deadline = performance.now() + timeoutMs; performance.now() < deadline; await sleep(200)) {
    try {
      const status = await read()
      if (holds(status)) return status
      seen = JSON.stringify(status.facts.clusters)
    } catch (error) {
      if (!(error instanceof RecoveryError) || error.class === 'bug') throw error
      seen = `${error.code}: ${error.message}`
    }
  }
  throw new RecoveryError({
    code: 'LAB_NOT_SETTLED',
    class: 'permanent',
    message: `not seen within ${timeoutMs / 1000} s: ${what}. Last: ${seen.slice(0, 2000)}`,
    hint: `read the logs in ${state.directory}/logs`,
  })
}

function statusReader({ directory }: LabState): () => Promise<ControlPlaneStatus> {
  const file = personContext(directory, 'operator')
  const { tls, controlPlane, principal } = JSON.parse(readFileSync(file, 'utf8')) as ClientContext
  const text = (name: string): string => readFileSync(join(dirname(file), name), 'utf8')
  const world = systemWorld(
    {
      subject: principal,
      authorityPem: text(tls.ca),
      certificatePem: text(tls.cert),
      privateKeyPem: text(tls.key),
    },
    { info: () => undefined, warn: () => undefined },
  )
  const { address, port, subject } = controlPlane
  const call = { timeoutMs: callTimeoutMs, expectSubject: subject }
  return async () => {
    const reply = await world.network.call({ address, port }, statusMethods.status, {}, call)
    return reply as unknown as ControlPlaneStatus
  }
}
