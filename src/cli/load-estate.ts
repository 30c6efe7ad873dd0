import type { ReadEstate } from '../estate/parse-estate.ts'
import type { Estate } from '../estate/estate.ts'
import { readBytes } from './read-json.ts'

export async function loadEstate(file: string): Promise<Estate> {
  return (await loadEstateWithFindings(file)).estate
}

export async function loadEstateWithFindings(file: string): Promise<ReadEstate> {
  const bytes = await readBytes(file)
  // What reads YAML and judges declarations is a hundred files: a command that turns out to need no estate does not load them.
  const { readEstate } = await import('../estate/parse-estate.ts')
  return readEstate(new TextDecoder().decode(bytes), file)
}
