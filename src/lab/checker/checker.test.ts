import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { applyOrder, emptyExchange } from '../workload/order-book.ts'
import type { Order } from '../workload/order.ts'
import { stateHash } from '../workload/state-hash.ts'
import { judge } from './judgement.ts'
import type { Evidence, Judgement } from './judgement.ts'
import { judgementTable } from './judgement-table.ts'
import { replayTwin } from './order-twin.ts'
import { parseRawLog } from './raw-log.ts'
import type { LedgerEntry, SurvivingRows } from './surviving-rows.ts'

type Line = Readonly<Record<string, unknown>>

/** A log of the raw writer: every entry is [id, sent at, outcome, ended at, timeline]. */
type Write = readonly [
  id: number,
  sent: number,
  outcome: 'acked' | 'refused' | 'unknown',
  end: number,
  timeline?: number,
]

function log(client: string, run: string, lines: readonly Line[]): ReturnType<typeof parseRawLog> {
  const header = {
    format: 'pointzero/client-log/1',
    kind: 'header',
    client,
    run,
    host: 'client',
    seed: 1,
    monoMs: 0,
  }
  const text = [header, ...lines].map((line) => JSON.stringify(line)).join('\n')
  return parseRawLog(`${run}.jsonl`, `${text}\n`)
}

function writer(
  run: string,
  writes: readonly Write[],
  client = 'raw-writer',
): ReturnType<typeof parseRawLog> {
  const lines = writes.flatMap(([id, sent, outcome, end, timeline = 1]): readonly Line[] => [
    { kind: 'sent', id: `${run}-${id}`, attempt: 1, monoMs: sent },
    {
      kind: 'outcome',
      id: `${run}-${id}`,
      attempt: 1,
      outcome,
      monoMs: end,
      ...(outcome === 'acked' ? { server: `10.0.0.1${timeline}`, timeline } : {}),
    },
  ])
  return log(client, run, [...lines, { kind: 'end', monoMs: writes.at(-1)?.[3] ?? 0 }])
}

const noRows: SurvivingRows = { server: 's', timeline: 1, ledger: [], outbox: [], rawWrites: [], probes: [] }

function rows(...rawWrites: readonly string[]): SurvivingRows {
  return { ...noRows, rawWrites }
}

function verdictOf(judgement: Judgement, check: RegExp): string | undefined {
  return judgement.findings.find((finding) => check.test(finding.check))?.verdict
}

const faultAt = (monoMs: number): Pick<Evidence, 'faults'> => {
  return { faults: [{ kind: 'kill-zone', target: 'az1', event: 'began', monoMs }] }
}

describe('the checker', () => {
  it('passes a run in which every acknowledged write survived', () => {
    const evidence = { logs: [writer('w', [[1, 0, 'acked', 5]])], rows: rows('w-1') }
    assert.equal(judge(evidence).verdict, 'passed')
  })

  it('names an acknowledged write that is gone, and how old the recovery point is', () => {
    const logs = [
      writer('w', [
        [1, 0, 'acked', 10],
        [2, 20, 'acked', 30],
        [3, 40, 'unknown', 90],
        [4, 95, 'acked', 99],
      ]),
    ]
    const judgement = judge({ logs, rows: rows('w-1', 'w-4'), ...faultAt(70) })
    assert.equal(judgement.verdict, 'failed')
    assert.equal(verdictOf(judgement, /acknowledged writes survive/), 'failed')
    assert.deepEqual(judgement.figures.lostIds, ['w-2'])
    assert.equal(judgement.figures.recoveryPointMs, 40)
  })

  it('counts a lost write even when it was acknowledged after the disaster', () => {
    const logs = [
      writer('w', [
        [1, 0, 'acked', 10],
        [2, 80, 'acked', 90],
      ]),
    ]
    const { figures } = judge({ logs, rows: rows('w-1'), ...faultAt(70) })
    assert.equal(figures.lostWrites, 1)
    assert.ok(figures.recoveryPointMs > 0)
  })

  it('tells writes of the time before a corruption, which must survive, from those after it, which its recovery undoes', () => {
    const logs = [
      writer('w', [
        [1, 0, 'acked', 10],
        [2, 20, 'acked', 69],
        [3, 60, 'acked', 75],
        [4, 80, 'acked', 90],
        [5, 200, 'acked', 210],
      ]),
    ]
    const faults = [
      { kind: 'corrupt-drop', target: 'exchange.ledger', event: 'beginning', monoMs: 70 },
      { kind: 'corrupt-drop', target: 'exchange.ledger', event: 'began', monoMs: 78 },
    ]
    const recovered = judge({ logs, rows: rows('w-1', 'w-2', 'w-5'), faults })
    assert.equal(recovered.verdict, 'passed')
    assert.equal(recovered.figures.lostWrites, 0)
    assert.deepEqual(recovered.figures.corruption, {
      kind: 'corrupt-drop',
      fromMs: 70,
      toMs: 78,
      undoneWrites: 2,
      undoneIds: ['w-3', 'w-4'],
      undoneMs: 20,
    })
    const careless = judge({ logs, rows: rows('w-1', 'w-5'), faults })
    assert.equal(careless.verdict, 'failed')
    assert.deepEqual(careless.figures.lostIds, ['w-2'])
  })

  it('does not count a write of unknown outcome as lost, whether it is there or not', () => {
    const logs = [
      writer('w', [
        [1, 0, 'acked', 10],
        [2, 20, 'unknown', 30],
        [3, 40, 'unknown', 50],
      ]),
    ]
    assert.equal(judge({ logs, rows: rows('w-1', 'w-2') }).verdict, 'passed')
  })

  it('fails when something that was refused is there', () => {
    const logs = [
      writer('w', [
        [1, 0, 'acked', 10],
        [2, 20, 'refused', 30],
      ]),
    ]
    assert.equal(verdictOf(judge({ logs, rows: rows('w-1', 'w-2') }), /refused did not happen/), 'failed')
  })

  it('fails when a row is there twice', () => {
    const logs = [writer('w', [[1, 0, 'acked', 10]])]
    assert.equal(verdictOf(judge({ logs, rows: rows('w-1', 'w-1') }), /done twice/), 'failed')
  })

  it('fails when a row is there that this client never sent, and leaves the rows of other runs alone', () => {
    const logs = [writer('w', [[1, 0, 'acked', 10]])]
    assert.equal(verdictOf(judge({ logs, rows: rows('w-1', 'w-9') }), /not sent/), 'failed')
    assert.equal(verdictOf(judge({ logs, rows: rows('w-1', 'other-9') }), /not sent/), 'passed')
  })

  it('is inconclusive when nothing was acknowledged, or when the fault did not begin', () => {
    const idle = judge({ logs: [writer('w', [[1, 0, 'refused', 10]])], rows: noRows })
    assert.equal(idle.verdict, 'inconclusive')
    const calm = judge({ logs: [writer('w', [[1, 0, 'acked', 10]])], rows: rows('w-1'), faults: [] })
    assert.equal(calm.verdict, 'inconclusive')
  })
})

describe('two primaries', () => {
  it('are found when the old one confirms a write that was sent after the new one had confirmed', () => {
    const old = writer(
      'p',
      [
        [1, 0, 'acked', 5, 1],
        [2, 120, 'acked', 130, 1],
      ],
      'zone-prober',
    )
    const current = writer('w', [[1, 90, 'acked', 100, 2]])
    const judgement = judge({ logs: [old, current], rows: { ...rows('w-1'), probes: ['p-1', 'p-2'] } })
    assert.equal(verdictOf(judgement, /one primary/), 'failed')
    const [found] = judgement.figures.dualConfirms
    assert.equal(found?.writes, 1)
    assert.deepEqual(
      [found?.olderTimeline, found?.newerTimeline, found?.fromMs, found?.toMs],
      [1, 2, 100, 130],
    )
  })

  it('are not claimed for an ordinary switch there and back', () => {
    const logs = [
      writer('w', [
        [1, 0, 'acked', 5, 1],
        [2, 50, 'acked', 60, 2],
        [3, 70, 'acked', 80, 3],
      ]),
    ]
    assert.equal(judge({ logs, rows: rows('w-1', 'w-2', 'w-3') }).verdict, 'passed')
  })

  it('are not claimed for a reply that came late: it may have been confirmed before', () => {
    const old = writer('p', [[1, 80, 'acked', 130, 1]], 'zone-prober')
    const current = writer('w', [[1, 90, 'acked', 100, 2]])
    const evidence = { logs: [old, current], rows: { ...rows('w-1'), probes: ['p-1'] } }
    assert.equal(verdictOf(judge(evidence), /one primary/), 'passed')
  })

  it('are found when two servers confirm on one timeline', () => {
    const one = writer('w', [[1, 0, 'acked', 5, 1]])
    const line = {
      kind: 'outcome',
      id: 'p-1',
      attempt: 1,
      outcome: 'acked',
      server: '10.0.0.99',
      timeline: 1,
      monoMs: 4,
    }
    const other = log('zone-prober', 'p', [{ kind: 'sent', id: 'p-1', attempt: 1, monoMs: 1 }, line])
    const judgement = judge({ logs: [one, other], rows: { ...rows('w-1'), probes: ['p-1'] } })
    assert.equal(judgement.figures.dualConfirms.length, 1)
  })

  it('that only call themselves primary are shown with the time, and fail nothing', () => {
    const roles = (server: string, from: number, to: number): readonly Line[] => {
      return [from, to].map((monoMs) => ({ kind: 'role', server, role: 'primary', monoMs }))
    }
    const write = writer('w', [[1, 0, 'acked', 5]])
    const logs = [
      write,
      log('zone-prober', 'p', roles('a', 100, 700)),
      log('zone-prober', 'q', roles('b', 500, 900)),
    ]
    const judgement = judge({ logs, rows: rows('w-1') })
    assert.deepEqual(judgement.figures.dualRoles, [{ servers: ['a', 'b'], overlapMs: 200 }])
    assert.equal(judgement.verdict, 'passed')
  })
})

describe('times that clients saw', () => {
  const outage: readonly Write[] = [
    [1, 0, 'acked', 10],
    [2, 20, 'acked', 30],
    [3, 40, 'unknown', 1040],
    [4, 1050, 'refused', 1060],
    [5, 3000, 'acked', 3030],
    [6, 3040, 'acked', 3050],
  ]
  const survived = rows('w-1', 'w-2', 'w-5', 'w-6')

  it('run from the sending of the first request that failed to the first acknowledgement', () => {
    const { figures } = judge({ logs: [writer('w', outage)], rows: survived, ...faultAt(35) })
    assert.equal(figures.rawWrites?.transition?.recoveryMs, 2990)
    assert.equal(figures.rawWrites?.longestGapMs, 3000)
    assert.equal(figures.rawWrites?.transition?.failures, 2)
    assert.equal(figures.rawWrites?.transition?.requests, 3)
  })

  it('are judged against the objective', () => {
    const evidence = { logs: [writer('w', outage)], rows: survived, ...faultAt(35) }
    assert.equal(judge({ ...evidence, recoveryTimeMs: 2990 }).verdict, 'passed')
    assert.equal(judge({ ...evidence, recoveryTimeMs: 2989 }).verdict, 'failed')
  })

  it('are never when nothing was acknowledged any more', () => {
    const dead = outage.slice(0, 4)
    const judgement = judge({ logs: [writer('w', dead)], rows: rows('w-1', 'w-2'), recoveryTimeMs: 300_000 })
    assert.equal(judgement.verdict, 'failed')
    assert.equal(judgement.figures.rawWrites?.transition?.recoveryMs, undefined)
    assert.equal(judgement.figures.rawWrites?.longestGapMs, 1030)
    assert.match(judgementTable(judgement), /never/)
  })

  it('show a stall in which no request failed as a gap, with no recovery time', () => {
    const { figures } = judge({
      logs: [
        writer('w', [
          [1, 0, 'acked', 10],
          [2, 20, 'acked', 900],
        ]),
      ],
      rows: rows('w-1', 'w-2'),
    })
    assert.equal(figures.rawWrites?.longestGapMs, 890)
    assert.equal(figures.rawWrites?.transition, undefined)
  })

  it('settle only behind the last failure', () => {
    const flapping: readonly Write[] = [...outage, [7, 3060, 'refused', 3070], [8, 3100, 'acked', 3110]]
    const { figures } = judge({
      logs: [writer('w', flapping)],
      rows: rows('w-1', 'w-2', 'w-5', 'w-6', 'w-8'),
    })
    assert.equal(figures.rawWrites?.transition?.recoveryMs, 2990)
    assert.equal(figures.rawWrites?.transition?.settledMs, 3070)
  })
})

const anyOrders = fc
  .array(
    fc.record({
      account: fc.constant('a1'),
      symbol: fc.constantFrom('PZ', 'EX'),
      side: fc.constantFrom('buy' as const, 'sell' as const),
      price: fc.integer({ min: 97, max: 103 }),
      quantity: fc.integer({ min: 1, max: 9 }),
    }),
    { maxLength: 80 },
  )
  .map((orders): readonly Order[] => orders.map((order, index) => ({ id: `o-${index + 1}`, ...order })))

/** What the engine would have written. */
function ledgerOf(orders: readonly Order[]): {
  readonly ledger: readonly LedgerEntry[]
  readonly hash: string
} {
  let state = emptyExchange
  const ledger = orders.map((order, index) => {
    const applied = applyOrder(state, order)
    state = applied.state
    return { ...order, sequence: index + 1, fills: applied.fills }
  })
  return { ledger, hash: stateHash(state) }
}

describe('the uncrashed twin', () => {
  it('reaches the same state and the same fills as the engine, which was written apart from it', () => {
    fc.assert(
      fc.property(anyOrders, (orders) => {
        const { ledger, hash } = ledgerOf(orders)
        assert.deepEqual(replayTwin(ledger, Number.MAX_SAFE_INTEGER), {
          hash,
          wrongFills: [],
          missingSequences: [],
        })
      }),
    )
  })

  it('is compared at the sequence where the engine is, not at the end of the ledger', () => {
    const orders = fc.sample(anyOrders, { numRuns: 1, seed: 7 })[0] ?? []
    const { hash } = ledgerOf(orders.slice(0, 3))
    assert.equal(replayTwin(ledgerOf(orders).ledger, 3).hash, hash)
  })

  const one: Order = { id: 'g-0-1', account: 'a', symbol: 'PZ', side: 'sell', price: 100, quantity: 5 }
  const two: Order = { id: 'g-0-2', account: 'a', symbol: 'PZ', side: 'buy', price: 100, quantity: 2 }
  const gateway = (...orders: readonly Order[]): ReturnType<typeof parseRawLog> => {
    const lines = orders.flatMap((order, index): readonly Line[] => [
      { kind: 'sent', id: order.id, attempt: 1, order, monoMs: index * 10 },
      {
        kind: 'outcome',
        id: order.id,
        attempt: 1,
        outcome: 'acked',
        sequence: index + 1,
        monoMs: index * 10 + 5,
      },
    ])
    return log('order-gateway', 'g', lines)
  }
  const { ledger, hash } = ledgerOf([one, two])
  const outbox = [
    { id: 'g-0-1', event: 0, kind: 'accepted', payload: { sequence: 1 } },
    { id: 'g-0-2', event: 0, kind: 'accepted', payload: { sequence: 2 } },
    { id: 'g-0-2', event: 1, kind: 'filled', payload: { restingId: 'g-0-1', price: 100, quantity: 2 } },
  ]
  const whole: SurvivingRows = { ...noRows, ledger, outbox }
  const engine = { ready: true, epoch: 1, sequence: 2, stateHash: hash }

  it('agrees with an engine that was rebuilt from every row', () => {
    assert.equal(judge({ logs: [gateway(one, two)], rows: whole, engine }).verdict, 'passed')
  })

  it('disagrees with an engine that lost or changed something', () => {
    const judgement = judge({
      logs: [gateway(one, two)],
      rows: whole,
      engine: { ...engine, stateHash: 'f'.repeat(64) },
    })
    assert.equal(verdictOf(judgement, /engine's state/), 'failed')
  })

  it('is not believed to agree with an engine that does not answer', () => {
    const judgement = judge({ logs: [gateway(one, two)], rows: whole, engine: 'silent' })
    assert.equal(judgement.verdict, 'inconclusive')
  })

  it('finds fills that were changed in the ledger, and effects that are missing in the outbox or there too often', () => {
    const changed = { ...whole, ledger: ledger.map((entry) => ({ ...entry, fills: [] })) }
    assert.equal(verdictOf(judge({ logs: [gateway(one, two)], rows: changed }), /fills/), 'failed')
    for (const wrong of [outbox.slice(1), outbox.slice(0, 2), [...outbox, ...outbox.slice(-1)]]) {
      const judgement = judge({ logs: [gateway(one, two)], rows: { ...whole, outbox: wrong } })
      assert.equal(verdictOf(judgement, /outbox/), 'failed')
    }
  })

  it('finds an order that was altered on its way into the ledger', () => {
    const altered = { ...whole, ledger: ledger.map((entry) => ({ ...entry, account: 'b' })) }
    assert.equal(verdictOf(judge({ logs: [gateway(one, two)], rows: altered }), /not sent/), 'failed')
  })

  it('finds an order that was executed again under another number after its first execution was lost', () => {
    const log = gateway(one, two)
    const swapped = ledger.map((entry) => ({ ...entry, sequence: 3 - entry.sequence }))
    assert.equal(
      verdictOf(judge({ logs: [log], rows: { ...whole, ledger: swapped } }), /done twice/),
      'failed',
    )
  })

  it('finds a hole in the sequence', () => {
    const holed = { ...whole, ledger: ledger.slice(1), outbox: outbox.slice(1) }
    assert.equal(verdictOf(judge({ logs: [gateway(one, two)], rows: holed }), /sequence number/), 'failed')
  })
})

describe('raw logs', () => {
  const header =
    '{"format":"pointzero/client-log/1","kind":"header","client":"raw-writer","run":"w","monoMs":1}'

  it('of a client that was killed in the middle of a line are read up to there, the open request as unknown', () => {
    const sent = '{"kind":"sent","id":"w-1","attempt":1,"monoMs":2}'
    const read = parseRawLog('w.jsonl', `${header}\n${sent}\n{"kind":"outco`)
    assert.deepEqual(
      read.attempts.map(({ id, outcome, endMs }) => [id, outcome, endMs]),
      [['w-1', 'unknown', undefined]],
    )
    assert.equal(read.complete, false)
  })

  it('with a broken line elsewhere, of an unknown format, or with an outcome of nothing, are refused', () => {
    assert.throws(() => parseRawLog('w.jsonl', `${header}\nbroken\n${header}\n`), /w\.jsonl:2: not JSON/)
    assert.throws(
      () => parseRawLog('w.jsonl', '{"format":"pointzero/client-log/2"}\n'),
      /is not pointzero\/client-log\/1/,
    )
    const outcome = '{"kind":"outcome","id":"w-1","attempt":1,"outcome":"acked","monoMs":2}'
    assert.throws(() => parseRawLog('w.jsonl', `${header}\n${outcome}\n`), /was not sent/)
  })
})

it('the checker imports nothing of the product or of the workload', () => {
  for (const file of globSync(`${import.meta.dirname}/*.ts`)) {
    if (file.endsWith('.test.ts')) continue
    for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(/\bfrom '([^']+)'/g)) {
      assert.match(specifier, /^(\.\/[a-z-]+\.ts|node:[a-z]+|pg)$/, `${file} imports ${specifier}`)
    }
  }
})
