import type { Log } from '../ports/log.ts'
import type { World } from '../ports/world.ts'
import type { EventLoop } from './event-loop.ts'
import { SimClock } from './sim-clock.ts'
import { SimFiles } from './sim-files.ts'
import type { SimSwitchboard } from './sim-network.ts'
import type { SimProcess } from './sim-process.ts'
import type { SimRandom } from './sim-random.ts'

export interface WorldSetting {
  readonly loop: EventLoop
  readonly random: SimRandom
  readonly switchboard: SimSwitchboard
  readonly log: (process: SimProcess, event: string, fields: LogFields) => void
}

export type LogFields = Readonly<Record<string, string | number | boolean>>

/** The World of one simulated process. `subject` is what its certificate proves. */
export function simWorld(setting: WorldSetting, process: SimProcess, subject: string, boot: number): World {
  const { loop, switchboard } = setting
  const random = setting.random.fork(`${process.name}#${boot}`)
  const write = (event: string, fields: LogFields = {}): void => setting.log(process, event, fields)
  const log: Log = { info: write, warn: write }
  return {
    clock: new SimClock(loop, process, random.between(1000, 1e9)),
    random,
    network: switchboard.network(process, subject),
    files: new SimFiles(loop, process, random.fork('files')),
    log,
  }
}
