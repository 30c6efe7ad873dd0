import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { clientContextFormat } from '../domain/client-context.ts'
import type { ClientContext } from '../domain/client-context.ts'
import { agentConfigFormat, serveConfigFormat } from '../domain/process-config.ts'
import type { AgentConfig, ConfiguredPrincipal, ServeConfig, TlsFiles } from '../domain/process-config.ts'
import { usualHeartbeatMs } from '../domain/stale-read-bound.ts'
import { hostNamed } from '../estate/estate-lookup.ts'
import type { Estate, Host } from '../estate/estate.ts'
import { createAuthority, issueIdentity } from '../platform/certificates.ts'
import type { EstateAuthority, TlsIdentity } from '../platform/certificates.ts'
import { generateSigningKey } from '../platform/ed25519-signer.ts'
import { SystemRandom } from '../platform/system-random.ts'
import type { SetupOptions } from './commands/setup.ts'
import { loadEstate } from './load-estate.ts'
import type { Terminal } from './terminal.ts'
import { usageError } from './usage-error.ts'
import { writeIdentity, writePrivately } from './write-identity.ts'

interface Issuing {
  readonly estate: Estate
  readonly estateText: string
  readonly out: string
  readonly authority: EstateAuthority
  readonly nowMs: number
  /** One for the estate: whoever leads next checks the rows of who led before. */
  readonly canaryKey: string
  readonly options: SetupOptions
}

interface Person {
  readonly principal: ConfiguredPrincipal
  readonly directory: string
}

/**
 * Everything that an estate's processes and people prove themselves with. Each subdirectory goes to one host or person and holds
 * nothing of another, to be placed at `--install` there; the authority's key stays offline.
 */
export async function setUp(terminal: Terminal, options: SetupOptions): Promise<void> {
  const estateFile = options.estate ?? 'estate.yaml'
  const estate = await loadEstate(estateFile)
  const out = resolve(options.out)
  await requireEmpty(out)
  const nowMs = terminal.nowMs()
  const authority = createAuthority(estate.id, nowMs)
  const estateText = await readFile(estateFile, 'utf8')
  const canaryKey = Buffer.from(new SystemRandom().bytes(32)).toString('hex')
  const issuing: Issuing = { estate, estateText, out, authority, nowMs, canaryKey, options }
  await writePrivately(join(out, 'authority', 'ca.pem'), authority.certificatePem)
  await writePrivately(join(out, 'authority', 'ca-key.pem'), authority.privateKeyPem)
  const plane = await person(issuing, 'control-plane', ['control-plane'])
  const people = await Promise.all(
    peopleOf(options).map(async ({ name, roles }) => person(issuing, name, roles)),
  )
  const principals = [plane, ...people].map(({ principal }) => principal)
  await writeServe(issuing, plane, principals)
  for (const one of people) await writeContext(issuing, one, plane.principal.id, principals)
  for (const host of estate.hosts) await writeAgent(issuing, host, plane.principal.id)
  report(terminal, issuing, people, options.json === true)
}

async function requireEmpty(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  if ((await readdir(directory)).length === 0) return
  throw usageError(
    `${directory} is not empty, and keys are never overwritten`,
    'name a directory that does not exist yet',
  )
}

function peopleOf({
  person: given,
}: SetupOptions): readonly { readonly name: string; readonly roles: Roles }[] {
  return (given ?? ['operator=operator', 'approver=approver']).map((text) => {
    const [, name, listed] = /^([a-z0-9][a-z0-9-]{0,30})=([a-z,-]+)$/.exec(text) ?? []
    const roles = (listed ?? '').split(',')
    const isKnown = roles.every((role) => ['operator', 'approver', 'auditor'].includes(role))
    if (name !== undefined && isKnown && name !== 'control-plane')
      return { name, roles: roles as unknown as Roles }
    throw usageError(`--person ${text} is not name=role,role`, 'roles are operator, approver and auditor')
  })
}

type Roles = ConfiguredPrincipal['roles']

async function person(issuing: Issuing, name: string, roles: Roles): Promise<Person> {
  const id = `prn_${new SystemRandom().idBody(12)}`
  const { publicKey, privateKeyPem } = generateSigningKey()
  const isPlane = name === 'control-plane'
  const directory = join(issuing.out, isPlane ? name : join('people', name))
  await writePrivately(join(directory, 'signing-key.pem'), privateKeyPem)
  await writePrivately(join(directory, 'estate.yaml'), issuing.estateText)
  const home = hostNamed(issuing.estate, issuing.estate.controlPlane.host)
  await writeIdentity(directory, identity(issuing, id, isPlane ? [home.address] : []))
  return { principal: { id, name, publicKey, roles }, directory }
}

function identity({ authority, nowMs }: Issuing, subject: string, addresses: readonly string[]): TlsIdentity {
  return issueIdentity(authority, { subject, addresses, nowMs })
}

async function writeServe(
  issuing: Issuing,
  plane: Person,
  principals: readonly ConfiguredPrincipal[],
): Promise<void> {
  const { estate, options } = issuing
  const home = hostNamed(estate, estate.controlPlane.host)
  const config: ServeConfig = {
    format: serveConfigFormat,
    estateFile: join(options.install, 'estate.yaml'),
    listen: { address: home.address, port: estate.controlPlane.port },
    storeFile: join(options.agentState, 'control-store.sqlite'),
    tls: tlsIn(options.install),
    subject: plane.principal.id,
    signingKeyFile: join(options.install, 'signing-key.pem'),
    principals,
  }
  await writeJson(join(plane.directory, 'serve.json'), config)
}

async function writeContext(
  issuing: Issuing,
  { principal, directory }: Person,
  subject: string,
  pinned: readonly ConfiguredPrincipal[],
): Promise<void> {
  const { estate } = issuing
  const home = hostNamed(estate, estate.controlPlane.host)
  const context: ClientContext = {
    format: clientContextFormat,
    estate: estate.id,
    estateFile: 'estate.yaml',
    controlPlane: { address: home.address, port: estate.controlPlane.port, subject },
    tls: { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' },
    principal: principal.id,
    signingKeyFile: 'signing-key.pem',
    pinned,
  }
  await writeJson(join(directory, 'context.json'), context)
}

async function writeAgent(issuing: Issuing, host: Host, subject: string): Promise<void> {
  const { estate, out, options } = issuing
  const home = hostNamed(estate, estate.controlPlane.host)
  // Where the control plane runs too, whose files have the same names, the agent has a directory of its own.
  const below = host.id === home.id ? 'agent' : ''
  const directory = join(out, 'hosts', host.name, below)
  const install = join(options.install, below)
  await writeIdentity(directory, identity(issuing, host.id, [host.address]))
  await writePrivately(join(directory, 'estate.yaml'), issuing.estateText)
  const parts = partsOn(estate, host.name, options)
  if (parts.postgres.length > 0) await writePrivately(join(directory, 'canary-key'), `${issuing.canaryKey}\n`)
  const config: AgentConfig = {
    format: agentConfigFormat,
    estateFile: join(install, 'estate.yaml'),
    hostId: host.id,
    listen: { address: host.address, port: host.agentPort },
    controlPlane: { address: home.address, port: estate.controlPlane.port, subject },
    stateDirectory: options.agentState,
    tls: tlsIn(install),
    heartbeatMs: usualHeartbeatMs,
    postgres: parts.postgres.map((member) => ({
      ...member,
      tls: tlsIn(install),
      canaryKeyFile: join(install, 'canary-key'),
    })),
    gates: parts.gates,
    computes: parts.computes,
  }
  await writeJson(join(directory, 'agent.json'), config)
}

function partsOn(estate: Estate, host: string, options: SetupOptions) {
  const postgres = estate.components.flatMap((component) => {
    if (component.kind !== 'postgres') return []
    return component.members
      .filter((member) => member.host === host)
      .map(({ id, name }) => ({
        component: component.id,
        member: id,
        binDirectory: options.binaries,
        socketDirectory: join(options.agentState, name),
        logFile: join(options.agentState, `${name}.log`),
      }))
  })
  const gates = estate.components.flatMap((component) => {
    const listens = component.kind === 'gate' && component.listeners.some((one) => one.host === host)
    return listens ? [{ component: component.id, bindAddress: hostNamed(estate, host).address }] : []
  })
  const computes = estate.components.flatMap((component) => {
    const runs = component.kind === 'compute' && component.instances.some((one) => one.host === host)
    if (!runs) return []
    const logFile = join(options.agentState, `${component.name}.log`)
    return [{ component: component.id, workingDirectory: options.agentState, logFile, environment: {} }]
  })
  return { postgres, gates, computes }
}

function tlsIn(directory: string): TlsFiles {
  return { ca: join(directory, 'ca.pem'), cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') }
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await writePrivately(file, `${JSON.stringify(value, undefined, 2)}\n`)
}

function report(terminal: Terminal, { out }: Issuing, people: readonly Person[], asJson: boolean): void {
  const contexts = people.map(({ directory }) => join(directory, 'context.json'))
  if (asJson) {
    terminal.write(`${JSON.stringify({ directory: out, contexts })}\n`)
    return
  }
  terminal.write(
    [
      `${out}/authority      keep ca-key.pem offline: it is needed to add a host or a person\n`,
      `${out}/control-plane  to the control plane's host: pointzero serve --config serve.json\n`,
      `${out}/hosts/<name>   to that host: pointzero agent --config agent.json\n`,
      ...contexts.map((context) => `${context}  to that person: export POINTZERO_CONTEXT=…/context.json\n`),
    ].join(''),
  )
}
