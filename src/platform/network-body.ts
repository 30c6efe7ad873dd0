import { isAscii } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import type { Json } from '../domain/canonical-json.ts'
import { RecoveryError } from '../domain/recovery-error.ts'

/** A request. */
export const requestBytesMax = 4 * 1024 * 1024
/** A reply: a whole run journal is one. */
export const replyBytesMax = 64 * 1024 * 1024
const depthMax = 64

/** Reads at most `bytesMax`; beyond that the rest is not read at all. */
export async function readBody(message: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let total = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    total += chunk.length
    if (total > bytesMax) throw bodyError('NETWORK_BODY_TOO_LARGE', `a body of more than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

export function parseBody(body: Buffer): Json {
  if (depthOf(body) > depthMax)
    throw bodyError('NETWORK_BODY_TOO_DEEP', `JSON nested more than ${depthMax} deep`)
  try {
    return JSON.parse(textOf(body)) as Json
  } catch {
    throw bodyError('NETWORK_BODY_INVALID', 'a body that is not JSON in UTF-8')
  }
}

/** Throws for what is not UTF-8. Bytes of files are sent as base64: a body of megabytes has no other characters. */
function textOf(body: Buffer): string {
  return isAscii(body) ? body.toString('latin1') : new TextDecoder('utf-8', { fatal: true }).decode(body)
}

/** Before parsing, and without recursion: what is nested too deep would end whoever walks it with an overflow of the stack. */
export function depthOf(body: Buffer): number {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at]
    if (byte === quote) at = endOfString(body, at)
    else if (byte === 0x7b || byte === 0x5b) deepest = Math.max(deepest, (depth += 1))
    else if (byte === 0x7d || byte === 0x5d) depth -= 1
  }
  return deepest
}

const quote = 0x22
const backslash = 0x5c

/** The place of the closing quotation mark, or the end: most strings of a large body are large, and this looks at their ends only. */
function endOfString(body: Buffer, start: number): number {
  for (let end = start; ;) {
    end = body.indexOf(quote, end + 1)
    if (end < 0) return body.length
    let escapes = 0
    while (body[end - 1 - escapes] === backslash) escapes += 1
    if (escapes % 2 === 0) return end
  }
}

function bodyError(code: string, message: string): RecoveryError {
  const hint = 'use the same release of Pointzero on both sides'
  return new RecoveryError({ code, class: 'permanent', message: `refused ${message}`, hint })
}
