import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OrderReply } from './engine-wire.ts'
import type { ClientLog } from './client-log.ts'
import { onJsonLines, writeJsonLine } from './json-lines.ts'
import type { Order } from './order.ts'

export interface OrderClientOptions {
  readonly address: string
  readonly port: number
  /** After this long without a reply the outcome is unknown, and the connection is given up. */
  readonly timeoutMs: number
  /** Between the end of one order and the next. */
  readonly thinkMs: number
  readonly retryMs: number
}

/**
 * One client: one order at a time, each sent again under the same id until it is acknowledged. Every attempt is in the log, with its
 * intent before it and its outcome after it.
 */
export async function runOrderClient(
  options: OrderClientOptions,
  next: () => Order,
  log: ClientLog,
  signal: AbortSignal,
): Promise<void> {
  const line = orderLine(options)
  while (!signal.aborted) {
    const order = next()
    for (let attempt = 1; ; attempt++) {
      log.write({ kind: 'sent', id: order.id, attempt, ...(attempt === 1 ? { order } : {}) })
      const { type: _, ...reply } = await line.send(order)
      log.write({ kind: 'outcome', attempt, ...reply })
      if (reply.outcome === 'acked' || signal.aborted) break
      await sleep(options.retryMs)
    }
    await sleep(options.thinkMs)
  }
  line.close()
}

interface OrderLine {
  send(order: Order): Promise<OrderReply>
  close(): void
}

/** One connection, made anew for the next order when it was lost. */
function orderLine({ address, port, timeoutMs }: OrderClientOptions): OrderLine {
  let socket: Socket | undefined
  let settle = (_reply: OrderReply): void => {}
  let waitingFor = ''

  const open = (): Socket => {
    const opened = connect({ host: address, port })
    let wasConnected = false
    opened.setNoDelay(true)
    opened.on('connect', () => (wasConnected = true))
    onJsonLines(opened, (value) => {
      const reply = value as OrderReply
      if (reply.type === 'outcome' && reply.id === waitingFor) settle(reply)
    })
    opened.on('error', () => opened.destroy())
    opened.on('close', () => {
      if (socket !== opened) return
      socket = undefined
      // Before the connection stood nothing was delivered; afterwards anything may have been.
      const [outcome, reason] = wasConnected
        ? (['unknown', 'connection lost'] as const)
        : (['refused', 'no connection'] as const)
      settle({ type: 'outcome', id: waitingFor, outcome, reason })
    })
    return opened
  }

  return {
    async send(order) {
      const { promise, resolve } = Promise.withResolvers<OrderReply>()
      settle = resolve
      waitingFor = order.id
      socket ??= open()
      const current = socket
      const timer = setTimeout(() => {
        resolve({ type: 'outcome', id: order.id, outcome: 'unknown', reason: `no reply in ${timeoutMs} ms` })
        if (socket === current) socket = undefined
        current.destroy()
      }, timeoutMs)
      writeJsonLine(current, { type: 'order', order })
      return await promise.finally(() => clearTimeout(timer))
    },
    close: () => socket?.destroy(),
  }
}
