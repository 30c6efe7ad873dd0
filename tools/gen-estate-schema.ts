// Writes docs/reference/estate.schema.json from the schema in src/estate. A unit test fails when the file is stale.
import { writeFileSync } from 'node:fs'
import { estateJsonSchema } from '../src/estate/estate-json-schema.ts'

const file = new URL('../docs/reference/estate.schema.json', import.meta.url)
writeFileSync(file, `${JSON.stringify(estateJsonSchema(), null, 2)}\n`)
process.stdout.write('docs/reference/estate.schema.json written; format it with `oxfmt docs/reference`\n')
