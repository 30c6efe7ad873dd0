/** Below this a buffer may be part of a pool that others use. */
const ownBytesMin = 128 * 1024

/**
 * Gives the memory of a large buffer back at once. Nobody may use it any more: it is empty from here on. Left to the garbage collector, bytes that
 * only pass through make it collect the whole heap over and over. Idempotent.
 */
export function freeBytes(bytes: Uint8Array): void {
  const { buffer } = bytes
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= ownBytesMin) buffer.transfer(0)
}
