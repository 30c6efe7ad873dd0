import type { RunState } from '../../engine/run-state.ts'
import type { FailedRestore } from '../../estate/verdict.ts'
import type { Connection } from '../connection.ts'
import { listRuns, loadRun } from '../run-records.ts'

const scopeForm = /^copies:(.+)$/
/** What these say is wrong with vault or archive; anything else may be wrong with the place of the sandbox. */
const ofCopies =
  /^(VAULT_|TARGET_UNREACHABLE|RECOVERY_(WAL|CHECK|ELSEWHERE|NOT_STARTABLE|SERVER_ENDED|NOT_PAUSED))/

/** A restore that breaks off over a damaged object names it. */
const ofObject = /\be\/\S+\.(pack|packs|manifest|keys)\b/

/** Of each component the last restore test that came to an end, where that was no good one. A person who cancelled one found nothing out. */
export async function failedRestores(connection: Connection): Promise<readonly FailedRestore[]> {
  const runs = (await listRuns(connection)).filter(({ procedure }) => procedure === 'backup-verification')
  const last = new Map<string, FailedRestore | undefined>()
  for (const { run, scope, status } of runs.toReversed()) {
    const component = scopeForm.exec(scope)?.[1]
    if (component === undefined || last.has(component)) continue
    if (status.startsWith('completed')) last.set(component, undefined)
    if (!['failed', 'refused', 'rolled-back'].includes(status)) continue
    const { state } = await loadRun(connection, run)
    if (state.cancelledBy === undefined) last.set(component, failedRestore(component, run, state))
  }
  return [...last.values()].filter((one) => one !== undefined)
}

function failedRestore(component: string, run: string, { steps, finished }: RunState): FailedRestore {
  const error = [...steps.values()].map((step) => step.error).find((found) => found !== undefined)
  const why = error === undefined ? (finished?.missing[0]?.reason ?? '') : `${error.code}: ${error.message}`
  const isOfCopies = ofCopies.test(error?.code ?? '') || ofObject.test(error?.message ?? '')
  return { component, isOfCopies, text: `${why} (${run})` }
}
