import { z } from 'zod'
import { estateSchema } from './estate-schema.ts'

/** The form of estate.yaml for editors (`# yaml-language-server: $schema=…`). What needs more than a form is checked by the parser. */
export function estateJsonSchema(): Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(estateSchema, { io: 'input', unrepresentable: 'any' })
  return { ...schema, title: 'Pointzero estate', description: 'estate.yaml, format pointzero/estate/1' }
}
