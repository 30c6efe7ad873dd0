import { readEstate } from '../estate/parse-estate.ts'
import type { ReadEstate } from '../estate/parse-estate.ts'
import type { Estate } from '../estate/estate.ts'
import { readBytes } from './read-json.ts'

export async function loadEstate(file: string): Promise<Estate> {
  return (await loadEstateWithFindings(file)).estate
}

export async function loadEstateWithFindings(file: string): Promise<ReadEstate> {
  return readEstate(new TextDecoder().decode(await readBytes(file)), file)
}
