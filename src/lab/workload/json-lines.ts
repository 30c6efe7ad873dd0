import type { Socket } from 'node:net'

const longestLine = 64 * 1024

/** Calls back for every line that is JSON; a peer that sends anything else, or lines without end, is dropped. */
export function onJsonLines(socket: Socket, listener: (value: unknown) => void): void {
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > longestLine) socket.destroy()
    for (const line of lines) {
      const value = parse(line)
      if (value === undefined) socket.destroy()
      else listener(value)
    }
  })
}

export function writeJsonLine(socket: Socket, value: object): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(value)}\n`)
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined // the peer is dropped for it
  }
}
