/** Randomness, passed in. In the simulator a seeded stream, in the real World the system's generator. */
export interface Random {
  /** Uniform integer in [0, bound), bound >= 1. */
  integer(bound: number): number
  /** `length` random bytes. */
  bytes(length: number): Uint8Array
  /** `length` characters of a-z 0-9: the body of an id. */
  idBody(length: number): string
}
