import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { zoneHostNames } from '../../../src/lab/lab-host.ts'
import type { Bench } from './bench.ts'

export interface Promotions {
  /** A server was told to become a primary. */
  readonly requests: number
  /** Timelines that began, in order. */
  readonly timelines: readonly number[]
}

/** What the database servers themselves wrote down, all of them, since the lab was made. */
export function promotions({ lab }: Bench): Promotions {
  const text = zoneHostNames
    .flatMap((host) => globSync(join(lab.state.directory, host, 'postgres', 'server.log')))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')
  const timelines = [...text.matchAll(/selected new timeline ID: (\d+)/g)].map(([, id]) => Number(id))
  return {
    requests: [...text.matchAll(/received promote request/g)].length,
    timelines: timelines.toSorted((a, b) => a - b),
  }
}

/** Who has led the ledger, one after the other, as the control plane wrote it down; a record that names the same one again is no change. */
export function leadership({ lab }: Bench): readonly string[] {
  const lines = readFileSync(join(lab.state.directory, 'logs', 'ctl-serve.log'), 'utf8').split('\n')
  return lines
    .filter((line) => line.includes('"leader-written"'))
    .map((line) => (JSON.parse(line) as { readonly member: string }).member)
    .filter((member, index, all) => member !== all[index - 1])
}
