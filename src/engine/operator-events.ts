import { RunJournal } from './run-journal.ts'
import type { JournalPlace } from './run-journal.ts'
import type { RunState } from './run-state.ts'
import { runFinished } from './take-over.ts'

type OperatorEvent = 'paused' | 'continued' | 'cancel-requested'

/** Nothing new is started; what is under way ends. */
export async function pauseRun(place: JournalPlace): Promise<RunState> {
  return await say(place, 'paused', ({ paused }) => paused)
}

export async function continueRun(place: JournalPlace): Promise<RunState> {
  return await say(place, 'continued', ({ paused }) => !paused)
}

/**
 * Before the point of no return all effects are undone in reverse order; after it the run goes forward to its end. Which of the
 * two it is, is decided by the order in the journal.
 */
export async function cancelRun(place: JournalPlace): Promise<RunState> {
  return await say(place, 'cancel-requested', ({ cancelledBy }) => cancelledBy !== undefined)
}

/** An operator needs no epoch: saying so is no effect. Saying it twice changes nothing. */
async function say(
  place: JournalPlace,
  type: OperatorEvent,
  isSo: (state: RunState) => boolean,
): Promise<RunState> {
  const journal = await RunJournal.load(place)
  for (;;) {
    const { state } = journal
    if (state.finished !== undefined) throw runFinished(place.run, state.finished.status)
    if (isSo(state) || (await journal.append([{ type, by: place.writer }]))) return journal.state
  }
}
