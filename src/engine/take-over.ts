import { canonicalJson } from '../domain/canonical-json.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { readEpoch } from './epoch.ts'
import type { ScopeEpoch } from './epoch.ts'
import type { RunJournal } from './run-journal.ts'
import type { RunState } from './run-state.ts'
import { patiently } from './store-patience.ts'

/**
 * Makes this journal's writer the only executor of the run's scope: raises the epoch and says so in the journal, in one
 * transaction. From then on no earlier executor can append, so it can not have a further effect either.
 */
export async function takeOver(journal: RunJournal): Promise<void> {
  const { store, keys, run, writer, clock, signal } = journal.place
  for (;;) {
    const { scope } = journal.state.plan
    const { before, open } = await patiently(clock, signal, async () => ({
      before: await readEpoch(store, keys, scope),
      open: await store.get(keys.open(scope)),
    }))
    refuseUnlessOurs(run, journal.state, before, open?.value)
    const epoch = before.epoch + 1
    const taken = await journal.append([{ type: 'took-over', executor: writer, scope, epoch }], {
      compare: [
        { key: keys.epoch(scope), revision: before.revision },
        { key: keys.open(scope), revision: open?.revision ?? 0 },
      ],
      put: [
        { key: keys.epoch(scope), value: canonicalJson({ epoch, executor: writer, run }) },
        { key: keys.open(scope), value: canonicalJson({ run }) },
      ],
    })
    // The record, the head and the epoch were put by one transaction and so carry one revision.
    if (taken) return journal.guardWith({ key: keys.epoch(scope), revision: journal.headRevision })
  }
}

/** A run that ended may be taken up again only when it stopped half-way and nobody acted on its scope since. */
function refuseUnlessOurs(run: string, state: RunState, before: ScopeEpoch, open: string | undefined): void {
  const holder = open === undefined ? '' : (JSON.parse(open) as { readonly run: string }).run
  if (state.finished === undefined && holder === run) return
  if (state.finished !== undefined && !isResumable(state)) throw runFinished(run, state.finished.status)
  if (holder !== '' && holder !== run) throw runOpen(state.plan.scope, holder)
  if (before.run !== '' && before.run !== run) throw stale(run, before.run)
}

/** Failed half-way: forward after the point of no return, or backward with an effect that could not be undone. */
function isResumable(state: RunState): boolean {
  const { status } = state.finished ?? {}
  if (state.pointOfNoReturn !== undefined) return status === 'failed' || status === 'refused'
  return status === 'failed'
}

export function runOpen(scope: string, holder: string): RecoveryError {
  return new RecoveryError({
    code: 'RUN_OPEN',
    class: 'refused',
    message: `${holder} is open on ${scope}; one run at a time`,
    hint: `follow it with \`pointzero show ${holder}\`, take it over with \`pointzero resume ${holder}\` or stop it with \`pointzero cancel ${holder}\``,
    context: { run: holder, scope },
  })
}

export function runFinished(run: string, status: string): RecoveryError {
  return new RecoveryError({
    code: 'RUN_FINISHED',
    class: 'refused',
    message: `${run} is over: ${status}`,
    hint: `see \`pointzero show ${run}\`; plan again for anything more`,
    context: { run, status },
  })
}

function stale(run: string, other: string): RecoveryError {
  return new RecoveryError({
    code: 'RUN_STALE',
    class: 'refused',
    message: `${other} acted on the scope of ${run} after it failed: its plan no longer fits`,
    hint: 'plan again from fresh facts',
    context: { run, other },
  })
}
