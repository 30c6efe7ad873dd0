import { RecoveryError } from '../domain/recovery-error.ts'
import type { RunJournal } from '../engine/run-journal.ts'
import type { RunState } from '../engine/run-state.ts'
import type { RunEvent } from '../engine/run-event.ts'

/** What a person writes into the journal of a run that somebody else executes. Idempotent. */
export async function wish(
  journal: RunJournal,
  event: RunEvent,
  isSoAlready: (state: RunState) => boolean,
): Promise<void> {
  for (;;) {
    const { state, place } = journal
    if (state.finished !== undefined) throw over(place.run, state.finished.status)
    if (isSoAlready(state)) return
    if (await journal.append([event])) return
  }
}

export async function leavePause(journal: RunJournal): Promise<void> {
  if (!journal.state.paused) return
  await wish(journal, { type: 'continued', by: journal.place.writer }, ({ paused }) => !paused)
}

function over(run: string, status: string): RecoveryError {
  return new RecoveryError({
    code: 'RUN_FINISHED',
    class: 'refused',
    message: `${run} is over: ${status}`,
    hint: `see \`pointzero show ${run}\`; plan again for anything more`,
  })
}
