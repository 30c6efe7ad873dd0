import { setTimeout as sleep } from 'node:timers/promises'
import { machineOctet } from './lab-host.ts'
import type { LabHost, LabHostName } from './lab-host.ts'
import type { LabState } from './lab-state.ts'
import { mustRun, runCommand } from './run-command.ts'

/** Names of what a lab makes in the kernel. An interface name holds 15 characters at most. */
export function namespaceOf(state: LabState, host: LabHostName): string {
  return `pz${state.instance}-${host}`
}

/** The machine's side of a host's link. */
export function linkOf(state: LabState, host: LabHostName): string {
  return `pz${state.instance}${host}`
}

function bridgeOf(state: LabState): string {
  return `pz${state.instance}br`
}

/** One bridge, one namespace with one veth link for every host. Idempotent. */
export async function wireUp(state: LabState): Promise<void> {
  const bridge = bridgeOf(state)
  if (!(await works(['ip', 'link', 'show', bridge]))) {
    await mustRun(['ip', 'link', 'add', bridge, 'type', 'bridge'])
  }
  await mustRun(['ip', 'addr', 'replace', `${state.subnet}.${machineOctet}/24`, 'dev', bridge])
  await mustRun(['ip', 'link', 'set', bridge, 'up'])
  for (const host of state.hosts) await wireHost(state, host)
}

async function wireHost(state: LabState, { name, address }: LabHost): Promise<void> {
  const namespace = namespaceOf(state, name)
  const link = linkOf(state, name)
  if (await works(['ip', '-n', namespace, 'link', 'show', 'eth0'])) return
  if (!(await works(['ip', 'netns', 'pids', namespace]))) await mustRun(['ip', 'netns', 'add', namespace])
  await mustRun(['ip', 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace])
  await mustRun(['ip', 'link', 'set', link, 'master', bridgeOf(state)])
  await mustRun(['ip', 'link', 'set', link, 'up'])
  await mustRun(['ip', '-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0'])
  await mustRun(['ip', '-n', namespace, 'link', 'set', 'eth0', 'up'])
  await mustRun(['ip', '-n', namespace, 'link', 'set', 'lo', 'up'])
}

/** Removes what is there, also after an interrupted `wireUp`. */
export async function wireDown(state: LabState): Promise<void> {
  for (const { name } of state.hosts) {
    await runCommand(['ip', 'link', 'del', linkOf(state, name)])
    await runCommand(['ip', 'netns', 'del', namespaceOf(state, name)])
  }
  await runCommand(['ip', 'link', 'del', bridgeOf(state)])
  await untilGone(state)
}

/** The kernel takes a moment to remove a link whose namespace was deleted. */
async function untilGone({ instance }: LabState): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const links = await mustRun(['ip', '-br', 'link', 'show'])
    if (!links.split('\n').some((line) => line.startsWith(`pz${instance}`))) return
    await sleep(100)
  }
}

async function works(argv: readonly string[]): Promise<boolean> {
  return (await runCommand(argv)).code === 0
}
