import { z } from 'zod'
import { formats } from '../domain/format.ts'
import { scenarios } from '../domain/scenario.ts'
import { componentSchema } from './component-schema.ts'
import { storeSchema } from './protection-schema.ts'
import {
  addressSchema,
  byteRateSchema,
  countSchema,
  durationOrZeroSchema,
  durationSchema,
  idSchema,
  nameSchema,
  portSchema,
  textSchema,
  timeZoneSchema,
  unlessMissing,
} from './scalar-schema.ts'
import { blockingConditions } from './schedule.ts'

const scenarioSchema = z.enum(scenarios)
const componentNames = z
  .array(nameSchema)
  .min(1, 'empty; name at least one component, or leave it out for all')

const regionSchema = z.strictObject({
  role: z.enum(['active', 'passive']),
  zones: z.array(nameSchema).min(1, 'empty; name at least one zone'),
})

const hostSchema = z.strictObject({
  id: idSchema('hst'),
  zone: nameSchema,
  address: addressSchema,
  agentPort: portSchema.default(7443),
})

const linkSchema = z.strictObject({
  between: z.tuple([nameSchema, nameSchema], {
    error: unlessMissing('not a pair; name exactly two regions'),
  }),
  kind: z.enum(['private', 'internet']),
  roundTrip: durationSchema,
  rate: byteRateSchema,
})

const objectiveSchema = z.strictObject({
  scenarios: z.array(scenarioSchema).min(1, 'empty; name at least one scenario'),
  components: componentNames.optional(),
  rpo: durationOrZeroSchema,
  rto: durationSchema,
})

const recoverySchema = z.strictObject({
  procedure: nameSchema,
  start: z.enum(['automatic', 'manual']),
  components: componentNames.optional(),
  // oxlint-disable-next-line unicorn/no-thenable -- read from a file, never awaited
  then: z.array(nameSchema).optional(),
  stores: z.array(nameSchema).min(1, 'empty; name at least one store').optional(),
  target: nameSchema.optional(),
})

const approvalSchema = z.strictObject({
  required: countSchema(1, 100),
  approvers: z
    .array(
      z
        .string()
        .regex(
          /^(prn_[a-z0-9]{6,32}|[a-z][a-z0-9.-]{0,62})$/,
          'not an approver; write the name or the prn_ id of a principal',
        ),
    )
    .min(1, 'empty; name at least one approver'),
  validFor: durationSchema,
  statement: textSchema.optional(),
})

const windowSchema = z.strictObject({
  from: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'not a time of day; write it as "02:00", in quotes'),
  for: durationSchema,
})

const scheduleSchema = z.strictObject({
  procedure: nameSchema,
  scenario: scenarioSchema.optional(),
  mode: z.enum(['sandbox', 'live']).optional(),
  every: z.enum(['hour', 'day', 'week', 'month', 'quarter']),
  on: z
    .string()
    .regex(
      /^((first|second|third|fourth|last) )?(monday|tuesday|wednesday|thursday|friday|saturday|sunday)$|^day ([1-9]|1\d|2[0-8])$/,
      'not a day; write for example sunday, first tuesday, or day 15 (1 to 28, which every month has)',
    )
    .optional(),
  window: windowSchema.optional(),
  timeZone: timeZoneSchema,
  blockedBy: z.array(z.enum(blockingConditions)).optional(),
})

const exclusionSchema = z.strictObject({
  owner: textSchema,
  reason: textSchema,
  expires: z.iso.date({
    error: unlessMissing('not a date; write the day on which the exclusion ends, for example 2027-03-31'),
  }),
})

/** The form of estate.yaml. `src/estate/estate.ts` is what it becomes. */
export const estateSchema = z.strictObject({
  format: z.literal(formats.estate, { error: `not ${formats.estate}; write format: ${formats.estate}` }),
  id: idSchema('est'),
  name: nameSchema,
  regions: z.record(nameSchema, regionSchema),
  links: z.array(linkSchema).optional(),
  hosts: z.record(nameSchema, hostSchema),
  controlPlane: z.strictObject({ host: nameSchema, port: portSchema.default(7400) }),
  stores: z.record(nameSchema, storeSchema).optional(),
  components: z.record(nameSchema, componentSchema),
  objectives: z.array(objectiveSchema).default([]),
  recovery: z.partialRecord(scenarioSchema, z.array(recoverySchema)).optional(),
  approvals: z.record(nameSchema, approvalSchema).optional(),
  maintenance: z
    .strictObject({
      closes: z.array(nameSchema).min(1, 'empty; name at least one gate'),
      message: textSchema,
    })
    .optional(),
  smokeTests: z
    .record(
      nameSchema,
      z.strictObject({
        component: nameSchema,
        request: textSchema,
        expect: textSchema,
        within: durationSchema,
      }),
    )
    .optional(),
  transitions: z
    .array(
      z.strictObject({
        scenario: scenarioSchema,
        measure: z.enum(['error-rate', 'latency-p99', 'exposure']),
        for: durationSchema,
        alarmAbove: textSchema,
      }),
    )
    .optional(),
  schedules: z.record(nameSchema, scheduleSchema).default({}),
  exclusions: z.record(nameSchema, exclusionSchema).optional(),
  assumptions: z.array(textSchema).default([]),
})

export type EstateDeclaration = z.output<typeof estateSchema>
