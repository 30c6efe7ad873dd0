import type { Json } from '../../domain/canonical-json.ts'
import { refusal } from './cluster-facts.ts'

/** What `target=…` is resolved to before a plan is made; the plan holds the result, so that what was approved is what is reached. */
export const goalParameters = [
  { name: 'target', required: false, meaning: 'as it was asked for; resolved into the parameters below' },
  { name: 'lsn', required: true, meaning: 'where recovery stops (recovery_target_lsn)' },
  { name: 'inclusive', required: true, meaning: 'yes: after the record at `lsn`; no: before it' },
  { name: 'timeline', required: true, meaning: 'the history that leads there' },
  { name: 'snapshot', required: true, meaning: 'the copy in the vault that it starts from' },
  { name: 'reached', required: true, meaning: 'where replay stands afterwards' },
  { name: 'commits-after', required: false, meaning: 'commits that lay behind it when it was resolved' },
] as const

const lsnForm = /^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/

/** The argument of every step that works on the copy. */
export function goalOf(parameters: Readonly<Record<string, string>>): Readonly<Record<string, Json>> {
  const named = (name: string, form: RegExp): string => {
    const value = parameters[name] ?? ''
    if (form.test(value)) return value
    throw refusal(
      'RECOVERY_TARGET_OPEN',
      `parameter ${name} is ${value === '' ? 'missing' : JSON.stringify(value)}: a recovery goes to one resolved place`,
      'name the target: `--param target=xid:<number>`, `target=time:<instant>`, `target=lsn:<lsn>` or `target=end`',
    )
  }
  return {
    lsn: named('lsn', lsnForm),
    inclusive: named('inclusive', /^(yes|no)$/) === 'yes',
    timeline: Number(named('timeline', /^[1-9]\d{0,9}$/)),
    snapshot: named('snapshot', /^[0-9A-Za-z_-]{1,64}$/),
    reached: named('reached', lsnForm),
  }
}
