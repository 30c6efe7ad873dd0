import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One bug that somebody might write, as a replacement of text that occurs exactly once in its file. */
export interface PlantedBug {
  readonly name: string
  readonly edits: readonly Edit[]
}

export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

function bug(name: string, ...edits: readonly Edit[]): PlantedBug {
  return { name, edits }
}

function edit(file: string, find: string, replace: string): Edit {
  return { file: `src/${file}`, find, replace }
}

export const plantedBugs: readonly PlantedBug[] = [
  bug(
    'an agent forgets its epochs and intents when it starts again',
    edit('agent/agent-state.ts', 'await this.#files.replace(', 'void new Array('),
  ),
  bug(
    'an agent does not look at the epoch of an effect',
    edit(
      'agent/epoch-guard.ts',
      'if (epoch < highest) throw stale(scope, epoch, highest)',
      'if (epoch < 0) throw stale(scope, epoch, highest)',
    ),
  ),
  bug(
    'a standby that still receives may be chosen and counts as revoked',
    edit(
      'actions/candidate-rule.ts',
      "if (seen.upstream !== '' || seen.receiving !== false) return 'not detached'",
      '',
    ),
    edit(
      'procedures/zone-failover.ts',
      'after: candidates.map(({ name }) => `detach-${name}`),',
      'after: [],',
    ),
    edit('procedures/zone-failover.ts', 'quorum: needed,\n    proves', 'quorum: 0,\n    proves'),
  ),
  bug(
    'one revocation too few is asked for',
    edit('domain/leader-record.ts', 'named - count + 1', 'named - count'),
  ),
  bug(
    'the fence reads the wall clock',
    edit(
      'agent/member-watch.ts',
      'role: this.#role,\n      nowMs: this.#world.clock.monotonicMs(),',
      'role: this.#role,\n      nowMs: this.#world.clock.now(),',
    ),
  ),
  bug(
    'an old reading is taken for a fresh one',
    edit(
      'watch/failure-detector.ts',
      'const fresh = independent(input).filter(({ ageMs }) => ageMs <= detectMs)',
      'const fresh = independent(input)',
    ),
  ),
  bug(
    'the intent is written without waiting for it',
    edit(
      'engine/perform-step.ts',
      "if (!(await around.intend({ type: 'intent', step: step.id, attempt: run.attempt, kind, on, args })))\n    return undefined",
      "void around.intend({ type: 'intent', step: step.id, attempt: run.attempt, kind, on, args })",
    ),
  ),
  bug(
    'the leader record is written over whatever is there',
    edit(
      'actions/leader-store.ts',
      'compare: [{ key, revision: write.expected.revision }, held],',
      'compare: [],',
    ),
    edit('engine/epoch.ts', 'if (revision > 0 && epoch === ours) return', 'if (revision > 0) return'),
  ),
  bug(
    'an approval opens more than one run',
    edit(
      'engine/open-run.ts',
      'compare: [samePrincipals, ...uses.map((key) => ({ key, revision: 0 }))],',
      'compare: [samePrincipals],',
    ),
    edit('engine/open-run.ts', 'for (const key of uses) await refuseUsed(opening, key)', ''),
  ),
  bug(
    'an append does not compare the epoch',
    edit('engine/run-journal.ts', '...(this.#guard === undefined ? [] : [this.#guard]),', ''),
  ),
  bug(
    'an isolated primary does not stop itself',
    edit('agent/fence-decision.ts', 'quietMs > facts.fenceMs', 'quietMs > 1e12'),
  ),
  bug(
    'a primary that another one replaced does not stop itself',
    edit('agent/fence-decision.ts', "if (facts.superseded) return { fence: true, reason: 'superseded' }", ''),
  ),
  bug(
    'the standby with the oldest WAL is chosen',
    edit(
      'actions/candidate-rule.ts',
      'compareDurable(b.candidate.observation, a.candidate.observation)',
      'compareDurable(a.candidate.observation, b.candidate.observation)',
    ),
  ),
  bug(
    'clients are led over before a commit was acknowledged',
    edit('procedures/parts/service-steps.ts', 'after: destination.ready,', "after: 'claim',"),
  ),
  bug(
    'the synchronous rule is loaded before it is published',
    edit(
      'procedures/parts/rule-steps.ts',
      "loadStep(scene, leader, rule, { after: ['publish'] })",
      'loadStep(scene, leader, rule, { after })',
    ),
    edit(
      'procedures/parts/rule-steps.ts',
      "publishStep(scene, leader, covering, { id: 'publish', after })",
      "publishStep(scene, leader, covering, { id: 'publish', after: ['set-sync'] })",
    ),
  ),
  bug(
    'a takeover does not raise the epoch',
    edit('engine/take-over.ts', 'const epoch = before.epoch + 1', 'const epoch = Math.max(before.epoch, 1)'),
  ),
  bug(
    'the record promises more acknowledgements than the primary waits for',
    edit('domain/synchronous-rule.ts', 'count: Math.min(', 'count: Math.max('),
  ),
  bug(
    'the archive is believed before commits wait for it',
    edit('procedures/synchronous-capture.ts', "after: ['acknowledge'],", "after: ['receives'],"),
  ),
  bug(
    'an archive is counted as a member that can be promoted',
    edit('domain/synchronous-rule.ts', 'count: count + named.length', 'count'),
  ),
  bug(
    'somebody who holds less than the leader was promoted with may follow it',
    edit(
      'actions/candidate-choose.ts',
      'const stale = eligible.filter(isStale)',
      'const stale = eligible.filter(() => false)',
    ),
  ),
  bug(
    'a standby counts as detached while its upstream is still on its disk',
    edit(
      'actions/postgres-detach.ts',
      "seen.role === 'standby' && seen.upstream === '' &&",
      "seen.role === 'standby' &&",
    ),
  ),
  bug(
    'an agent starts whatever stopped, also a fenced primary',
    edit(
      'agent/member-watch.ts',
      "if (this.#state.intentOf(member.id) !== 'standby' || !this.#turns.isFree(target)) return",
      "if (this.#state.intentOf(member.id) === 'primary') return",
    ),
  ),
  bug(
    'a claim does not look at whom it replaces',
    edit('actions/leader-claim.ts', "requirePredecessor(expected.record, textArg(args, 'from'), member)", ''),
  ),
  bug(
    'two runs may be open on one scope',
    edit('engine/open-run.ts', "if (holder !== '') throw runOpen(plan.scope, holder)", ''),
  ),
  bug(
    'the new primary is promoted before its rule is loaded',
    edit(
      'procedures/parts/take-over-steps.ts',
      "after: ['set-sync'],\n      proves: 'the new leader is out",
      "after: ['claim'],\n      proves: 'the new leader is out",
    ),
    edit(
      'procedures/parts/take-over-steps.ts',
      "after: ['claim'],\n      proves:\n        count === 0",
      "after: ['promote'],\n      proves:\n        count === 0",
    ),
  ),
  bug(
    'a planned switch does not wait until the successor holds everything',
    edit('procedures/switchover.ts', "after: ['reached'],", "after: ['stop-clean'],"),
  ),
  bug(
    'a lost reply to an append is taken for a failure and tried under a new number',
    edit(
      'engine/run-journal.ts',
      "const unknown = error instanceof RecoveryError && error.class === 'unknown-outcome'",
      'const unknown = false',
    ),
    edit(
      'engine/run-journal.ts',
      ': (await this.#patiently(() => this.#stored(records)))?.revision',
      ': undefined',
    ),
  ),
  bug(
    'unreachable is taken for down',
    edit('watch/failure-detector.ts', 'if (silent.length >= placesNeeded)', 'if (silent.length >= 1)'),
  ),
  bug(
    'a declared time opens any procedure',
    edit(
      'engine/declared-permission.ts',
      'if (!procedures.includes(procedure)) throw notDeclarable(',
      "if (procedure === '') throw notDeclarable(",
    ),
    edit(
      'engine/declared-permission.ts',
      '({ action, compensation }) => !actions.has(action) || !actions.has(compensation?.action ?? action),',
      '() => false,',
    ),
  ),
  bug(
    'a run of another declaration is gone on with',
    edit(
      'server/scheduled-runs.ts',
      'if (declared.digest !== declarationDigestOf(this.#setup.estate, scope))',
      "if (declared.digest === '')",
    ),
  ),
  bug(
    'copies that nobody has spoken of are taken for none',
    edit(
      'watch/seen-copies.ts',
      'if (kept === undefined || !isFreshReport(kept.view, kept.ageMs)) return undefined',
      'if (kept === undefined || !isFreshReport(kept.view, kept.ageMs)) return { snapshots: [] }',
    ),
  ),
  bug(
    'a backup that was made under a wrong clock counts for ever',
    edit(
      'watch/scheduled-decision.ts',
      'return times.filter((atMs) => atMs <= nowMs + Math.max(skewMs, periodMs))',
      'return times.filter((atMs) => atMs + periodMs > nowMs - nowMs)',
    ),
  ),
  bug(
    'a backup that failed is tried again at every look',
    edit('watch/held-back.ts', 'return resting(entry, input)', 'return undefined'),
  ),
]

/** Each text occurs exactly once below `root`, or the bug would not be the one that its name says. */
export function requireFound(root: string, { name, edits }: PlantedBug): void {
  for (const { file, find } of edits) {
    const times = readFileSync(join(root, file), 'utf8').split(find).length - 1
    if (times !== 1) throw new Error(`${name}: found ${times} times in ${file}: ${find}`)
  }
}
