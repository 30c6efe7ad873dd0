// Runs in a thread of its own: read, write, sync, acknowledge, and nothing else.
import { receiveWal } from '../capture/wal-receiver.ts'
import type { ReceiverOptions } from '../capture/wal-receiver.ts'
import type { CaptureEvent } from '../capture/capture-event.ts'
import type { ConfiguredEndpoint } from '../domain/process-config.ts'
import { openSystemArchive } from '../platform/system-archive.ts'
import { SystemClock } from '../platform/system-clock.ts'
import { workerSide } from '../platform/worker-thread.ts'
import { connectForCapture } from './capture-sources.ts'
import type { CaptureLogin } from './capture-sources.ts'

export interface ReceiverWork {
  readonly archiveDirectory: string
  readonly sources: readonly ConfiguredEndpoint[]
  readonly login: CaptureLogin
  readonly options: ReceiverOptions
}

const { data, side } = workerSide<ReceiverWork, CaptureEvent>()
const sources = data.sources.map((endpoint) => ({
  name: `${endpoint.address}:${endpoint.port}`,
  connect: async (signal: AbortSignal) => connectForCapture(endpoint, data.login, { signal }),
}))
await receiveWal(
  { clock: new SystemClock(), archive: openSystemArchive(data.archiveDirectory), sources },
  data.options,
  side.send,
  side.stop,
)
