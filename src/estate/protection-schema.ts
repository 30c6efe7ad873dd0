import { z } from 'zod'
import {
  absolutePathSchema,
  countSchema,
  durationOrZeroSchema,
  durationSchema,
  nameSchema,
  secretReferenceSchema,
  textSchema,
  unlessMissing,
} from './scalar-schema.ts'

export const intervalSchema = z
  .string()
  .regex(
    /^(hour|day|week|month|P(?=.)(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?)$/,
    'not an interval; write hour, day, week, month or an ISO 8601 duration, for example PT15M',
  )
  .refine(
    (text) => !/^P[0TWDHMS]*$/.test(text),
    'zero makes no sense here; write an interval above zero, for example PT15M',
  )
  .meta({ description: 'hour, day, week, month, or an ISO 8601 duration above zero.' })

/** What expires data is never guessed: both are required wherever something is kept (incident D06). */
const keep = durationSchema
const storeNames = z.array(nameSchema).min(1, 'empty; name at least one store')

export const storeSchema = z.strictObject({
  kind: z.enum(['file', 's3']),
  location: nameSchema,
  host: nameSchema.optional(),
  failureDomain: textSchema,
  address: z.union(
    [absolutePathSchema, z.string().regex(/^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[A-Za-z0-9._=-]+)*$/)],
    {
      error: unlessMissing('not a store address; write an absolute directory or s3://bucket/prefix'),
    },
  ),
  credentials: secretReferenceSchema.optional(),
  encryptionKey: secretReferenceSchema.optional(),
  lock: z
    .strictObject({ mode: z.enum(['compliance', 'governance', 'advisory']), for: durationSchema })
    .optional(),
})

const captureSchema = z.strictObject({
  of: z.enum(['wal', 'messages', 'events', 'blocks', 'commands', 'configuration']),
  stores: storeNames,
  maxLag: durationOrZeroSchema,
  synchronous: z.boolean().default(false),
  keep,
})

/** Who begins it; absent: the control plane. */
const startSchema = z.enum(['automatic', 'manual']).optional()

const backupSchema = z.strictObject({
  type: z.enum(['full', 'incremental', 'snapshot', 'copy']),
  copyOf: nameSchema.optional(),
  every: intervalSchema,
  start: startSchema,
  stores: storeNames,
  keep,
  keepAtLeast: countSchema(1, 10_000),
})

export const protectionSchema = z.strictObject({
  captures: z.record(nameSchema, captureSchema).default({}),
  backups: z.record(nameSchema, backupSchema).default({}),
  verification: z
    .strictObject({
      every: intervalSchema,
      start: startSchema,
      checks: z.array(textSchema).min(1, 'empty; name at least one check'),
    })
    .optional(),
})

export const replicationSchema = z.strictObject({
  from: nameSchema,
  to: nameSchema,
  mode: z.enum(['synchronous', 'asynchronous']),
  alarmLag: durationSchema.optional(),
})

export const datasetSchema = z.strictObject({
  writes: z.enum(['one-region', 'every-region']),
  home: textSchema.optional(),
  replication: z.enum(['synchronous', 'asynchronous']),
  conflict: z.enum(['last-writer-wins', 'first-writer-wins', 'merge', 'keep-both-and-report']).optional(),
  onPartition: z.enum(['stop', 'continue-asynchronously']).optional(),
})

export const replaySchema = z.strictObject({
  order: z.enum(['total', 'per-stream', 'per-key']),
  idempotencyKey: textSchema,
  maxPerSecond: countSchema(1, 100_000_000).optional(),
  sourceOfTruth: nameSchema.optional(),
  verify: z
    .array(z.enum(['order', 'completeness', 'duplicates', 'checksums', 'state-hash']))
    .min(1, 'empty; name at least one check'),
})

export const invariantSchema = z.strictObject({ query: textSchema, equals: z.string() })
