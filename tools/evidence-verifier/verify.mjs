#!/usr/bin/env node
// Verifies an evidence bundle (pointzero/evidence/1) without Pointzero: one file, Node 20 or newer, nothing to install.
// Written from docs/reference/evidence-format.md, not from the product's code, so that each checks the other.
//
//   node verify.mjs --key prn_x=<base64url> [--key …] [--keys FILE] [--estate est_x] [--json] BUNDLE…
//
// Keys come from the command line or from a file of yours: {"prn_x": "<base64url>"} or {"principals": [{"id", "publicKey"}]}.
// Keys inside the bundle are never used. Exit: 0 genuine, 1 a defect (named, with its place), 2 usage.
import { createHash, createPublicKey, verify as verifySignature } from 'node:crypto'
import { readFileSync } from 'node:fs'

const names = [
  ...['plan', 'approvals', 'principals', 'estate', 'journal'],
  ...['measurements', 'recovery-times', 'verdicts', 'environment'],
]
const headStrings = [
  ...['chain', 'estate', 'format', 'mode', 'planHash', 'procedure'],
  ...['productVersion', 'run', 'scenario', 'signer', 'status'],
]
const clockToleranceMs = 60_000

class Defect extends Error {
  constructor(code, where, message) {
    super(message)
    this.code = code
    this.where = where
  }
}

class Usage extends Error {}

function fail(code, where, message) {
  throw new Defect(code, where, message)
}

function same(found, expected, code, where) {
  if (found !== expected) fail(code, where, `is ${show(found)}, not ${show(expected)}`)
}

function show(value) {
  return value === undefined ? 'absent' : JSON.stringify(value).slice(0, 80)
}

// RFC 8785 with safe integers only: members ordered by UTF-16 code units, no space, no other number.
function canonical(value) {
  switch (typeof value) {
    case 'boolean':
      return value ? 'true' : 'false'
    case 'number':
      if (!Number.isSafeInteger(value)) throw new TypeError('a number that is not a safe integer')
      return Object.is(value, -0) ? '0' : `${value}`
    case 'string':
      if (!value.isWellFormed()) throw new TypeError('broken Unicode')
      return JSON.stringify(value)
    default:
  }
  if (value === null) return 'null'
  if (Array.isArray(value)) return '[' + value.map(canonical).join(',') + ']'
  const members = []
  for (const key of Object.keys(value).sort()) members.push(canonical(key) + ':' + canonical(value[key]))
  return '{' + members.join(',') + '}'
}

function isCanonical(value) {
  try {
    canonical(value)
    return true
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}

function sha256(value, where) {
  let text
  try {
    text = canonical(value)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    fail('NOT_CANONICAL', where, `carries ${error.message}`)
  }
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

function object(value, where) {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    fail('STRUCTURE', where, 'is not an object')
  return value
}

function list(value, where) {
  if (!Array.isArray(value)) fail('STRUCTURE', where, 'is not a list')
  return value
}

function string(holder, field, where) {
  if (typeof holder[field] !== 'string') fail('STRUCTURE', `${where}, field ${field}`, 'is not a text')
  return holder[field]
}

function integer(holder, field, where) {
  if (!Number.isSafeInteger(holder[field])) fail('STRUCTURE', `${where}, field ${field}`, 'is not an integer')
  return holder[field]
}

function exactly(holder, members, where) {
  for (const name of members) {
    if (!Object.hasOwn(holder, name)) fail('STRUCTURE', `${where}, field ${name}`, 'is absent')
  }
  for (const name of Object.keys(holder)) {
    if (!members.includes(name)) fail('STRUCTURE', `${where}, field ${name}`, 'does not belong there')
  }
}

function isSigned(key, covered, signature) {
  if (typeof signature !== 'string' || !/^[A-Za-z0-9_-]{85}[AQgw]$/.test(signature)) return false
  return verifySignature(
    null,
    Buffer.from(canonical(covered), 'utf8'),
    key,
    Buffer.from(signature, 'base64url'),
  )
}

function without(holder, field) {
  return Object.fromEntries(Object.entries(holder).filter(([name]) => name !== field))
}

function checkJournalChain(journal, run, where) {
  let before = '0'.repeat(64)
  for (const [seq, record] of list(journal, where).entries()) {
    const check = (field, holds, message) => {
      if (!holds) fail(`JOURNAL_${field.toUpperCase()}`, `${where}, record ${seq}, field ${field}`, message)
    }
    const isObject = typeof record === 'object' && record !== null && !Array.isArray(record)
    check('format', isObject && isCanonical(record), 'is not a record of a known format')
    check('format', record.format === 'pointzero/run-journal/1', 'is not a record of a known format')
    const hash = sha256(without(record, 'hash'), where)
    check('hash', record.hash === hash, 'has other content than its hash covers')
    check('run', record.run === run, 'belongs to another run')
    check('seq', record.seq === seq, 'does not carry its own number: a record is missing or out of place')
    check('prev', record.prev === before, 'does not follow the record before it')
    before = hash
  }
}

function checkEntries(bundle) {
  const entries = list(bundle.entries, 'entries')
  same(entries.length, names.length, 'ENTRY_COUNT', 'entries')
  let before = ''
  const contents = {}
  for (const [seq, name] of names.entries()) {
    const where = `entry ${seq} ${name}`
    const entry = object(entries[seq], where)
    exactly(entry, ['content', 'digest', 'link', 'name', 'prev', 'seq'], where)
    same(entry.name, name, 'ENTRY_ORDER', `${where}, field name`)
    same(entry.seq, seq, 'ENTRY_ORDER', `${where}, field seq`)
    if (name === 'journal') checkJournalChain(entry.content, bundle.head.run, where)
    const digest = sha256(entry.content, where)
    same(entry.digest, digest, 'DIGEST', `${where}, field digest`)
    same(entry.prev, before, 'LINK', `${where}, field prev`)
    before = sha256({ seq, name, digest, prev: before }, where)
    same(entry.link, before, 'LINK', `${where}, field link`)
    contents[name] = entry.content
  }
  same(bundle.head.chain, before, 'CHAIN', 'head, field chain')
  return contents
}

function checkHead(bundle) {
  const head = object(bundle.head, 'head')
  exactly(head, [...headStrings, 'createdAtMs', 'entries'], 'head')
  for (const field of headStrings) string(head, field, 'head')
  integer(head, 'createdAtMs', 'head')
  same(head.format, 'pointzero/evidence/1', 'FORMAT', 'head, field format')
  same(head.entries, names.length, 'ENTRY_COUNT', 'head, field entries')
  return head
}

function checkSignature(bundle, pinned) {
  const { head } = bundle
  const where = 'file, field signature'
  if (!/^[A-Za-z0-9_-]{85}[AQgw]$/.test(string(bundle, 'signature', 'file'))) {
    fail('SIGNATURE', where, 'is not a signature of 64 bytes in base64url')
  }
  const key = pinned.keys.get(head.signer)
  if (key === undefined) fail('KEY_NOT_PINNED', 'head, field signer', `no key of ${head.signer} was given`)
  if (!isSigned(key, head, bundle.signature))
    fail('SIGNATURE', where, `is not a signature of the head by ${head.signer}`)
  if (pinned.estate !== undefined) same(head.estate, pinned.estate, 'ESTATE', 'head, field estate')
}

function checkPlan(head, contents) {
  const plan = object(contents.plan, 'entry 0 plan')
  same(plan.format, 'pointzero/plan/1', 'FORMAT', 'entry 0 plan, field format')
  same(head.planHash, sha256(plan, 'entry 0 plan'), 'PLAN_HASH', 'head, field planHash')
  for (const field of ['estate', 'procedure', 'scenario', 'mode']) {
    same(head[field], plan[field], 'HEAD_DIFFERS', `head, field ${field}`)
  }
  const estate = object(contents.estate, 'entry 3 estate')
  same(estate.id, plan.estate, 'ESTATE', 'entry 3 estate, field id')
  same(plan.estateDigest, sha256(estate, 'entry 3 estate'), 'ESTATE', 'entry 0 plan, field estateDigest')
}

function checkRun(head, contents) {
  const where = 'entry 4 journal'
  const first = object(contents.journal[0], `${where}, record 0`)
  const event = object(first.event, `${where}, record 0, field event`)
  same(event.type, 'opened', 'JOURNAL_ORDER', `${where}, record 0, field event.type`)
  same(first.run, head.run, 'HEAD_DIFFERS', `${where}, record 0, field run`)
  same(event.planHash, head.planHash, 'PLAN_HASH', `${where}, record 0, field event.planHash`)
  if (canonical(event.plan ?? null) !== canonical(contents.plan)) {
    fail('PLAN_HASH', `${where}, record 0, field event.plan`, 'is not the plan of entry 0')
  }
  const at = `${where}, record ${contents.journal.length - 1}`
  const last = object(object(contents.journal.at(-1), at).event, `${at}, field event`)
  const status = last.type === 'finished' ? string(last, 'status', `${at}, field event`) : 'open'
  same(head.status, status, 'HEAD_DIFFERS', 'head, field status')
  return first
}

function checkApprovals(head, contents, opened, pinned) {
  const where = 'entry 1 approvals'
  const found = object(contents.approvals, where)
  const approvals = list(found.approvals, `${where}, field approvals`)
  const { event } = opened
  if (canonical(event.approvals ?? null) !== canonical(approvals)) {
    fail('APPROVAL', 'entry 4 journal, record 0, field event.approvals', 'is not the approvals of entry 1')
  }
  const standing = list(found.standing, `${where}, field standing`)
  if (canonical(event.standing === undefined ? [] : [event.standing]) !== canonical(standing)) {
    const at = 'entry 4 journal, record 0, field event.standing'
    fail('APPROVAL', at, 'is not the standing approval of entry 1')
  }
  const requester = string(event, 'requestedBy', 'entry 4 journal, record 0, field event')
  for (const [index, value] of approvals.entries()) {
    const at = `${where}, record ${index}`
    const approval = object(value, at)
    same(approval.format, 'pointzero/approval/1', 'FORMAT', `${at}, field format`)
    same(approval.planHash, head.planHash, 'APPROVAL', `${at}, field planHash`)
    same(approval.scope, contents.plan.scope, 'APPROVAL', `${at}, field scope`)
    requireOther(approval, requester, at)
    checkYes(approval, at, head, opened, pinned)
  }
  for (const [index, value] of standing.entries()) {
    const at = `${where}, standing record ${index}`
    const approval = object(value, at)
    same(approval.format, 'pointzero/standing-approval/1', 'FORMAT', `${at}, field format`)
    same(approval.procedure, contents.plan.procedure, 'APPROVAL', `${at}, field procedure`)
    same(approval.scope, contents.plan.scope, 'APPROVAL', `${at}, field scope`)
    requireOther(approval, requester, at)
    checkYes(approval, at, head, opened, pinned)
  }
  if (event.declared !== undefined) return checkDeclared(event.declared, contents.plan, contents.estate)
  if (head.mode === 'real' && approvals.length + standing.length === 0) {
    fail('APPROVAL', where, 'is empty: nobody approved this real run')
  }
}

/** A run that no person allowed is one that the estate declares: a backup or a restore test of a component's copies. */
function checkDeclared(declared, plan, estate) {
  const where = 'entry 4 journal, record 0, field event.declared'
  const permission = object(declared, where)
  string(permission, 'declaration', where)
  const component = /^copies:(cmp_[a-z0-9]+)$/.exec(string(plan, 'scope', 'entry 0 plan'))?.[1]
  if (component === undefined || !declarable.includes(plan.procedure)) {
    fail('APPROVAL', where, 'does not allow this procedure in this scope')
  }
  const steps = list(plan.steps, 'entry 0 plan, field steps')
  if (steps.some((step) => object(step, 'entry 0 plan, field steps').effect === 'point-of-no-return')) {
    fail('APPROVAL', where, 'does not allow what can not be undone')
  }
  const named = (field) => {
    const at = `entry 3 estate, field ${field}`
    return list(estate[field] ?? [], at).map((one) => object(one, at))
  }
  const own = (field) => named(field).filter(({ procedure }) => declarable.includes(procedure))
  const found = named('components').find(({ id }) => id === component)
  if (found === undefined) fail('APPROVAL', where, 'is of no component of the estate')
  const { protection = null } = found
  const part = { component, protection, schedules: own('schedules'), approvals: own('approvals') }
  if (part.approvals.some(({ procedure }) => procedure === plan.procedure)) {
    fail('APPROVAL', where, 'does not count where the estate asks people to approve it')
  }
  if (string(permission, 'digest', where) !== sha256(part, where)) {
    fail('APPROVAL', where, 'is not what the estate of entry 3 declares')
  }
}

const declarable = ['backup', 'backup-verification']

function requireOther(approval, requester, at) {
  if (approval.approver !== requester) return
  fail('APPROVER_IS_REQUESTER', `${at}, field approver`, `is ${requester}, who asked for the run`)
}

function checkYes(approval, at, head, opened, pinned) {
  same(approval.estate, head.estate, 'ESTATE', `${at}, field estate`)
  const approver = string(approval, 'approver', at)
  const key = pinned.keys.get(approver)
  if (key === undefined) fail('KEY_NOT_PINNED', `${at}, field approver`, `no key of ${approver} was given`)
  string(approval, 'signature', at)
  if (!isSigned(key, without(approval, 'signature'), approval.signature)) {
    fail('SIGNATURE', `${at}, field signature`, `is not a signature by ${approver}`)
  }
  const openedAtMs = integer(opened, 'atMs', 'entry 4 journal, record 0')
  const isEarly = openedAtMs + clockToleranceMs < Number(approval.issuedAtMs)
  if (isEarly || openedAtMs - clockToleranceMs > Number(approval.expiresAtMs)) {
    fail('APPROVAL', at, 'was not valid when the run was opened')
  }
}

function checkTimes(contents) {
  const where = 'entry 6 recovery-times'
  const { firstFailedMs, firstAcknowledgedAfterMs } = object(contents.measurements, 'entry 5 measurements')
  const times = object(contents['recovery-times'], where)
  if (typeof firstFailedMs !== 'number' || typeof firstAcknowledgedAfterMs !== 'number') {
    same(times.totalMs ?? null, null, 'TIMES', `${where}, field totalMs`)
    return
  }
  same(
    integer(times, 'totalMs', where),
    firstAcknowledgedAfterMs - firstFailedMs,
    'TIMES',
    `${where}, field totalMs`,
  )
  const parts = object(times.parts, `${where}, field parts`)
  let sum = 0
  for (const name of Object.keys(parts)) sum += integer(parts, name, `${where}, field parts`)
  same(sum, times.totalMs, 'TIMES', `${where}, field parts`)
}

function read(bytes) {
  let text
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    fail('NOT_JSON', 'file', 'is not UTF-8')
  }
  try {
    return { text, bundle: object(JSON.parse(text), 'file') }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return fail('NOT_JSON', 'file', error.message)
  }
}

function judge(bytes, pinned) {
  const { text, bundle } = read(bytes)
  same(bundle.format, 'pointzero/evidence/1', 'FORMAT', 'file, field format')
  exactly(bundle, ['entries', 'format', 'head', 'signature'], 'file')
  const head = checkHead(bundle)
  const contents = checkEntries(bundle)
  checkSignature(bundle, pinned)
  checkPlan(head, contents)
  const opened = checkRun(head, contents)
  checkApprovals(head, contents, opened, pinned)
  checkTimes(contents)
  const expected = canonical(bundle) + '\n'
  if (text !== expected) {
    let at = 0
    while (at < text.length && text[at] === expected[at]) at += 1
    fail('NOT_CANONICAL', `file, character ${at}`, 'is not the canonical spelling of this value')
  }
  return head
}

function publicKey(principal, text) {
  const raw = Buffer.from(String(text), 'base64url')
  if (raw.length !== 32 || raw.toString('base64url') !== text) {
    throw new Usage(`the key of ${principal} is not 32 bytes in base64url`)
  }
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: text }, format: 'jwk' })
}

function readKeys(file) {
  let parsed
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Usage(`${file}: ${error.message}`)
  }
  const principals = parsed?.principals ?? parsed?.pinned
  if (Array.isArray(principals)) return principals.map(({ id, publicKey: key }) => [id, key])
  return Object.entries(parsed ?? {})
}

function commandLine(args) {
  const given = { keys: new Map(), estate: undefined, json: false, files: [] }
  const queue = [...args]
  while (queue.length > 0) {
    const arg = queue.shift()
    if (arg === '--json') given.json = true
    else if (arg === '--estate') given.estate = queue.shift() ?? ''
    else if (arg === '--keys') {
      for (const [id, key] of readKeys(queue.shift() ?? '')) given.keys.set(id, publicKey(id, key))
    } else if (arg === '--key') {
      const [, id, key] = /^(prn_[a-z0-9]+)=(.+)$/.exec(queue.shift() ?? '') ?? []
      if (id === undefined) throw new Usage('--key takes prn_x=<base64url>')
      given.keys.set(id, publicKey(id, key))
    } else if (arg.startsWith('-')) throw new Usage(`unexpected ${arg}`)
    else given.files.push(arg)
  }
  if (given.files.length === 0) throw new Usage('no bundle was named')
  if (given.keys.size === 0) throw new Usage('no key was given: a bundle can not vouch for itself')
  return given
}

function load(file) {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new Usage(`${file}: ${error.message}`)
  }
}

function verdictOn(file, given) {
  const bytes = load(file)
  try {
    const { run, estate, procedure, scenario, mode, status, signer, planHash } = judge(bytes, given)
    return { file, ok: true, run, estate, procedure, scenario, mode, status, signer, planHash }
  } catch (error) {
    const defect =
      error instanceof RangeError ? new Defect('STRUCTURE', 'file', 'is nested too deeply') : error
    if (!(defect instanceof Defect)) throw error
    const { code, where, message } = defect
    return { file, ok: false, code, where, message }
  }
}

function sentence(found) {
  if (!found.ok) return `${found.file}: NOT genuine: ${found.where} ${found.message} (${found.code})`
  const { file, mode, procedure, scenario, run, estate, status, signer } = found
  const kind = mode === 'drill' ? 'DRILL' : 'REAL'
  return `${file}: genuine: ${kind} ${procedure} (${scenario}), run ${run} of ${estate}, ${status}, signed by ${signer}`
}

function main(args) {
  const given = commandLine(args)
  let exitCode = 0
  for (const file of given.files) {
    const found = verdictOn(file, given)
    process.stdout.write(`${given.json ? JSON.stringify(found) : sentence(found)}\n`)
    if (!found.ok) exitCode = 1
  }
  return exitCode
}

try {
  process.exitCode = main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof Usage)) throw error
  process.stderr.write(
    `${error.message}\nusage: node verify.mjs --key prn_x=<base64url> [--keys FILE] [--estate est_x] [--json] BUNDLE...\n`,
  )
  process.exitCode = 2
}
