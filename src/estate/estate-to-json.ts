import type { Json } from '../domain/canonical-json.ts'
import type { Estate } from './estate.ts'

/** The estate as what canonical JSON carries: it is plain data already, without numbers that are not safe integers. */
export function estateToJson(estate: Estate): Json {
  return estate as unknown as Json
}
