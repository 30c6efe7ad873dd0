/** `10.0.0.1:5432`. */
export function parseEndpoint(text: string): { readonly address: string; readonly port: number } {
  const at = text.lastIndexOf(':')
  const port = Number(text.slice(at + 1))
  if (at > 0 && Number.isInteger(port) && port > 0 && port < 65536)
    return { address: text.slice(0, at), port }
  throw new Error(`not an address and a port: ${JSON.stringify(text)}; write it as 10.0.0.1:5432`)
}

/** A whole number, zero or more. */
export function parseCount(text: string, name: string): number {
  const count = Number(text)
  if (Number.isSafeInteger(count) && count >= 0) return count
  throw new Error(`--${name} ${JSON.stringify(text)} is not a whole number`)
}

/** Names the rows of one client program: two workloads on one estate never share an id. No `-`, which begins the number of a row. */
export function runName(label: string): string {
  if (/^[A-Za-z0-9]{1,16}$/.test(label)) return `${label}${Date.now().toString(36)}`
  throw new Error(`--run ${JSON.stringify(label)} is not up to 16 letters and digits`)
}

/** Aborted by SIGTERM and SIGINT, or after `forMs` unless it is 0. */
export function untilStopped(forMs: number): AbortSignal {
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort())
  if (forMs > 0) setTimeout(() => stop.abort(), forMs).unref()
  return stop.signal
}
