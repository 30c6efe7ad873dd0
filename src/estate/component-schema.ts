import { z } from 'zod'
import { switchesMax } from '../domain/leader-record.ts'
import { scenarios } from '../domain/scenario.ts'
import { declaredKinds } from './declared-component.ts'
import {
  datasetSchema,
  invariantSchema,
  protectionSchema,
  replaySchema,
  replicationSchema,
} from './protection-schema.ts'
import {
  absolutePathSchema,
  addressSchema,
  byteRateSchema,
  byteSizeSchema,
  countSchema,
  durationSchema,
  idSchema,
  nameSchema,
  portSchema,
  secretReferenceSchema,
  textSchema,
} from './scalar-schema.ts'

const sqlNameSchema = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_$-]{0,62}$/,
    'not a name for PostgreSQL; use letters, digits, _ $ -, a letter first, at most 63',
  )

const baseShape = {
  id: idSchema('cmp'),
  owner: textSchema.optional(),
  priority: countSchema(1, 1000).optional(),
  dependsOn: z.array(nameSchema).default([]),
  size: byteSizeSchema.optional(),
  restoreRate: byteRateSchema.optional(),
  runbook: textSchema.optional(),
  protection: protectionSchema.optional(),
  replication: z.array(replicationSchema).optional(),
  datasets: z.record(nameSchema, datasetSchema).optional(),
  replay: replaySchema.optional(),
  invariants: z.record(nameSchema, invariantSchema).optional(),
}

const healthCheckSchema = z.strictObject({
  request: textSchema,
  every: durationSchema,
  timeout: durationSchema,
  failures: countSchema(1, 1000),
})

const memberSchema = z.strictObject({
  id: idSchema('mbr'),
  host: nameSchema,
  port: portSchema.default(5432),
  dataDirectory: absolutePathSchema,
  synchronous: z.boolean().default(true),
})

const postgresPolicySchema = z.strictObject({
  synchronousCount: countSchema(0, 16),
  failover: z.partialRecord(z.enum(scenarios), z.enum(['automatic', 'manual'])),
  detect: durationSchema.default('PT3S'),
  fence: durationSchema.default('PT5S'),
  flapWindow: durationSchema.default('PT1H'),
  flapMax: countSchema(1, switchesMax).default(2),
})

const postgresSchema = z.strictObject({
  kind: z.literal('postgres'),
  ...baseShape,
  database: sqlNameSchema,
  user: sqlNameSchema,
  password: secretReferenceSchema.optional(),
  members: z.record(nameSchema, memberSchema),
  policy: postgresPolicySchema.optional(),
})

const endpointSchema = z.strictObject({ host: nameSchema, port: portSchema })

const computeSchema = z.strictObject({
  kind: z.literal('compute'),
  ...baseShape,
  instances: z.array(endpointSchema).min(1, 'empty; name at least one instance'),
  placedWith: nameSchema.optional(),
  command: z
    .array(z.string().min(1, 'blank; write the argument or leave it out'))
    .min(1, 'empty; write the program and its arguments'),
})

const gateSchema = z.strictObject({
  kind: z.literal('gate'),
  ...baseShape,
  leadsTo: nameSchema,
  listeners: z.array(endpointSchema).min(1, 'empty; name at least one listener'),
  implementation: z.enum(['builtin', 'haproxy']).default('builtin'),
  healthCheck: healthCheckSchema.optional(),
})

const workloadSchema = z.strictObject({
  namespace: nameSchema,
  instances: countSchema(0, 100_000),
  target: countSchema(1, 100_000),
  scale: z.strictObject({ least: countSchema(0, 100_000), most: countSchema(1, 100_000) }).optional(),
})

const clusterSchema = z.strictObject({
  region: nameSchema,
  credentials: secretReferenceSchema.optional(),
  workloads: z.record(nameSchema, workloadSchema),
})

const dnsNameSchema = z
  .string()
  .regex(
    /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?$/,
    'not a DNS name; write it in lower case without a dot at the end',
  )

const recordSchema = z.strictObject({
  type: z.enum(['A', 'AAAA', 'CNAME']),
  ttl: durationSchema,
  targets: z.record(
    nameSchema,
    z.array(addressSchema).min(1, 'empty; a record is never empty: name at least one address'),
  ),
})

const dnsSchema = z.strictObject({
  provider: z.enum(['route53', 'cloudflare', 'rfc2136']),
  zone: dnsNameSchema,
  credentials: secretReferenceSchema.optional(),
  records: z.record(dnsNameSchema, recordSchema),
})

const loadBalancerSchema = z.strictObject({
  leadsTo: nameSchema,
  addresses: z.record(nameSchema, addressSchema),
  healthCheck: healthCheckSchema.optional(),
})

const settingSchema = z.union([z.string().min(1), z.int(), z.boolean()], {
  error: 'not a setting; write a text, a whole number, true or false',
})

const declaredShape = {
  ...baseShape,
  locations: z.array(nameSchema).min(1, 'empty; name at least one region or zone'),
  policy: z.record(nameSchema, settingSchema).optional(),
}

/** What each kind has of its own; a key of another kind is refused. */
const ownShapes = {
  nats: { queues: z.array(textSchema).optional() },
  redis: { queues: z.array(textSchema).optional() },
  rabbitmq: { queues: z.array(textSchema).optional() },
  'event-store': { storedIn: nameSchema.optional() },
  journal: { rebuilds: nameSchema.optional(), checkpoint: durationSchema.optional() },
  'object-store': {},
  kubernetes: { clusters: z.record(nameSchema, clusterSchema) },
  dns: { dns: dnsSchema },
  'load-balancer': { loadBalancer: loadBalancerSchema },
  service: {},
} as const

function declaredSchema<Kind extends keyof typeof ownShapes>(kind: Kind) {
  return z.strictObject({ kind: z.literal(kind), ...declaredShape, ...ownShapes[kind] })
}

export const componentSchema = z.discriminatedUnion(
  'kind',
  [
    postgresSchema,
    computeSchema,
    gateSchema,
    declaredSchema('nats'),
    declaredSchema('redis'),
    declaredSchema('rabbitmq'),
    declaredSchema('event-store'),
    declaredSchema('journal'),
    declaredSchema('object-store'),
    declaredSchema('kubernetes'),
    declaredSchema('dns'),
    declaredSchema('load-balancer'),
    declaredSchema('service'),
  ],
  { error: `not a kind of component; write one of postgres, compute, gate, ${declaredKinds.join(', ')}` },
)

export type ComponentDeclaration = z.output<typeof componentSchema>
export type PostgresDeclaration = z.output<typeof postgresSchema>
export type ComputeDeclaration = z.output<typeof computeSchema>
export type GateDeclaration = z.output<typeof gateSchema>
export type DeclaredDeclaration = Exclude<
  ComponentDeclaration,
  PostgresDeclaration | ComputeDeclaration | GateDeclaration
>
